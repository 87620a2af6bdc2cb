// unrolled, as the peers are run: one workload in a process of its own. Where UNROLLED_WASM
// names another build of the library, only a step without an update is measured.

import { readFileSync } from 'node:fs';

import * as unrolled from 'unrolled';
import { NO_UPDATE, ownTasks } from './own.js';
import { answer, request } from './runner.js';

const other = process.env.UNROLLED_WASM;
await unrolled.init(other ? { wasm: readFileSync(other) } : {});
const empty = unrolled.info().allocatedBytes;
const all = ownTasks(unrolled, request().workload);
const tasks = other ? { [NO_UPDATE]: all[NO_UPDATE] } : all;
await answer(unrolled.info().version, tasks, () => unrolled.info().allocatedBytes - empty);
