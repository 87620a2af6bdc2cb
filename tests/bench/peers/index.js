// The peers that are installed: how each is run, and what it can be asked for.

import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { versionOf } from './packages.js';

/** @import { Program } from '../remote.js' */
/** @import { Workload } from '../workloads.js' */
/**
 * @typedef {object} Peer
 * @property {'torch' | 'tfjs' | 'onnx' | 'brain'} kind
 * @property {string} name  with its version
 * @property {string} [unfair]  why its times say nothing
 * @property {Program} program
 * @property {(w: Workload) => boolean} does
 */

/** @param {string} name  from here */
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

const VENV = path('../../../build/peers/venv');
const PACKAGES = {
  tfjs: ['@tensorflow/tfjs-core', 'tfjs wasm', 'tfjs_peer.js'],
  onnx: ['onnxruntime-web', 'onnxruntime-web', 'onnx_peer.js'],
  brain: ['brain.js', 'brain.js', 'brain_peer.js'],
};
const grown = (/** @type {Workload} */ w) => w.id.startsWith('W8');
/** What each can do at all, and, of W8, what is worth the time. */
const DOES = {
  torch: () => true,
  tfjs: (/** @type {Workload} */ w) => !grown(w),
  onnx: (/** @type {Workload} */ w) => w.mode !== 'train',
  brain: (/** @type {Workload} */ w) => !grown(w) && w.mode !== 'stream',
};
/** A BLAS has threads of its own, which torch.set_num_threads does not reach. */
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

const TORCH = ['-W', 'ignore', path('torch_peer.py')];
const REFERENCE = 'reference BLAS';

/**
 * What a Python has of PyTorch, if it has.
 * @param {string} python
 * @returns {{ version: string, blas: string } | null}
 */
function torchOf(python) {
  try {
    const env = { ...process.env, ...ONE_THREAD };
    const said = execFileSync(python, [...TORCH, '--version'], { env, stdio: 'pipe' });
    return JSON.parse(said.toString());
  } catch {
    return null;
  }
}

/** Each PyTorch once: Debian's, $UNROLLED_TORCH (a Python or its environment), setup.sh's, PATH's. */
function torches() {
  const named = process.env.UNROLLED_TORCH;
  const pythons = ['/usr/bin/python3', named, VENV, 'python3']
    .filter(Boolean)
    .map((name) =>
      existsSync(name) && statSync(name).isDirectory() ? join(name, 'bin/python') : name,
    );
  /** @type {Map<string, Peer>} */
  const found = new Map();
  for (const python of new Set(pythons)) {
    const torch = torchOf(python);
    if (!torch || found.has(torch.version)) continue;
    found.set(torch.version, {
      kind: 'torch',
      name: `PyTorch ${torch.version}, ${torch.blas}`,
      program: { command: python, args: TORCH, env: ONE_THREAD },
      does: DOES.torch,
      ...(torch.blas === REFERENCE
        ? { unfair: 'slow for want of a package: libopenblas0-pthread' }
        : {}),
    });
  }
  return [...found.values()];
}

/** @returns {Peer[]} */
export function installedPeers() {
  const peers = torches();
  for (const [kind, [packageName, name, file]] of Object.entries(PACKAGES)) {
    const version = versionOf(packageName);
    if (!version) continue;
    const program = { command: process.execPath, args: [path(file)] };
    const peer = /** @type {Peer['kind']} */ (kind);
    peers.push({ kind: peer, name: `${name} ${version}`, program, does: DOES[kind] });
  }
  return peers;
}
