"""PyTorch's side of tests/torch/run.js.

    torch_side.py version            what is installed, as JSON
    torch_side.py write FOLDER       files for loadTorch, and what is in them, into expected.json
    torch_side.py check FOLDER       what torch.load finds in the files that saveTorch wrote, as JSON
"""
import base64
import collections
import json
import math
import pathlib
import sys
import warnings

import torch
from torch import nn

try:
    import numpy
except ImportError:
    numpy = None
try:
    import safetensors
    import safetensors.torch
except ImportError:
    safetensors = None
if not numpy:
    safetensors = None  # it cannot write without

warnings.filterwarnings('ignore')


def version():
    """What is installed."""
    return {
        'python': sys.version.split()[0],
        'torch': torch.__version__,
        'safetensors': safetensors and safetensors.__version__,
    }


def bits(tensor):
    """The values as float32, as PyTorch itself rounds them, in row-major order."""
    values = tensor.detach().to(torch.float32).contiguous()
    return base64.b64encode(bytes(values.flatten().view(torch.uint8).tolist()) if values.numel() else b'').decode()


def described(value):
    """A value as JSON that says what loadTorch should make of it."""
    if isinstance(value, torch.Tensor):
        data = bits(value.reshape(1) if value.dim() == 0 else value)
        return {'tensor': {'shape': list(value.shape), 'data': data}}
    if isinstance(value, dict):
        return {'dict': [[str(key), described(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, set, frozenset)):
        return {'list': [described(item) for item in value]}
    if isinstance(value, (torch.dtype, torch.device)):
        return {'value': str(value)}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return {'bigint': str(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {'float': str(value)}
    return {'value': value}


def values():
    """name -> what is saved."""
    torch.manual_seed(7)
    inf, nan = float('inf'), float('nan')
    special = [0.0, -0.0, 1.5, -2.25, inf, -inf, nan, 1e-40, 6e-8, 65504.0, 3.4e38, 1e-45]
    wide = torch.randint(-2**62, 2**62, (500,)) >> torch.randint(0, 62, (500,))
    dtypes = {
        f'{dtype}'.split('.')[1]: torch.tensor(special).to(dtype)
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16)
    }
    dtypes['float64 between'] = torch.randn(1000, dtype=torch.float64) * 1e3
    dtypes['float16 all'] = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.float16)
    dtypes['bfloat16 all'] = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(torch.bfloat16)
    dtypes['int64 wide'] = wide
    dtypes['uint64 wide'] = wide.clone().view(torch.uint64)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8):
        info = torch.iinfo(dtype)
        dtypes[f'{dtype}'.split('.')[1]] = torch.tensor([info.min, -1, 0, 1, info.max], dtype=dtype)
    for dtype in (torch.uint8, torch.uint16, torch.uint32):
        dtypes[f'{dtype}'.split('.')[1]] = torch.tensor([0, 1, torch.iinfo(dtype).max], dtype=dtype)
    dtypes['bool'] = torch.tensor([True, False, True])
    dtypes['0-d'] = torch.tensor(2.5)
    dtypes['0-d int'] = torch.tensor(-3)
    dtypes['empty'] = torch.empty(0)
    dtypes['empty matrix'] = torch.empty(3, 0, 2)

    base = torch.randn(4, 6, 5)
    flat = torch.arange(100.0)
    tied = nn.Linear(4, 4)
    views = collections.OrderedDict(
        base=base, transposed=base.transpose(0, 2), permuted=base.permute(1, 2, 0), row=base[1],
        column=base[:, 2], strided=base[::2, 1::2, ::3], offset=base.reshape(-1)[5:11], same=base,
        expanded=torch.tensor([7.0]).expand(3, 2), expanded_axis=base[:, :1].expand(4, 9, 5),
        unfolded=flat.unfold(0, 10, 3), diagonal=base[0].diagonal(), squeezed=base[:1].squeeze(),
        half=base.half()[:, ::2], ints=torch.arange(12).reshape(3, 4).t(),
        as_strided=flat.as_strided((3, 3), (2, 5), 7), scalar=flat[42], nothing=flat[50:50],
        flipped=flat.flip(0), parameter=nn.Parameter(base[0].t()), tied=tied.weight, tied_too=tied.weight,
    )
    attribute = torch.ones(3)
    attribute.note = 'kept by PyTorch, not here'
    parameter = nn.Parameter(torch.ones(2))
    parameter.note = {'a': torch.zeros(1)}

    model = nn.Sequential(collections.OrderedDict(
        rnn=nn.LSTM(3, 5, 2, bidirectional=True, batch_first=True), fc=nn.Linear(10, 2)))
    checkpoints = {}
    for kind, options in {
        'SGD': {'lr': 0.1, 'momentum': 0.9}, 'Adam': {'amsgrad': True}, 'AdamW': {},
        'RMSprop': {'centered': True, 'momentum': 0.5}, 'Adagrad': {},
    }.items():
        optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
        scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 80, 80])
        for _ in range(3):
            optimizer.zero_grad()
            output, _ = model.rnn(torch.randn(2, 4, 3))
            model.fc(output).pow(2).mean().backward()
            optimizer.step()
            scheduler.step()
        checkpoints[kind] = {
            'model': model.state_dict(), 'optimizer': optimizer.state_dict(),
            'scheduler': scheduler.state_dict(), 'epoch': 3, 'loss': 0.125,
            'rng': torch.get_rng_state(), 'args': {'hidden': 5, 'name': 'x', 'betas': (0.9, 0.999)},
        }
    plain = {
        'none': None, 'true': True, 'false': False, 'ints': [0, -1, 255, 256, 65535, 65536, 2**31, -2**31 - 1],
        'big': [2**53 - 1, 2**53, -2**53, 2**64, -2**63, 2**200], 'floats': [0.1, -1e300, inf, nan],
        'text': ['', 'ünïcödé 🙂', 'a\nb', 'x' * 1000], 'tuples': ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        'deep': [[[[{'a': [(torch.ones(1),)]}]]]], 'size': torch.Size([2, 3]), 'set': {5}, 'empty': [{}, [], ()],
        'frozen': frozenset([4]), 'device': [torch.device('cpu'), torch.device('cuda:1')], 'dtype': torch.bfloat16,
        '__proto__': {'constructor': 1}, 'counter': collections.Counter('aab'), 'long list': list(range(3000)),
        'ordered': collections.OrderedDict([(3, 'c'), ('b', 2)]), 'wrapped': {'module.fc.weight': torch.ones(2, 2)},
    }
    return {
        'dtypes': dtypes, 'views': views, 'plain': plain, 'checkpoints': checkpoints,
        'model': model.state_dict(), 'module': nn.DataParallel(model).state_dict(),
        'list': [torch.ones(2), {'a': (torch.zeros(1, 1),)}], 'tensor': torch.randn(3, 3).t(),
        'parameter': nn.Parameter(torch.randn(2)), 'attributes': [attribute, parameter], 'empty': {},
    }


def write(folder):
    """Files of every kind, and refusals; an LSTM's run; safetensors, where they are installed."""
    saved = {}
    everything = values()
    for name, value in everything.items():
        for how, options in {
            'zip': {}, 'protocol4': {'pickle_protocol': 4}, 'protocol5': {'pickle_protocol': 5},
            'legacy': {'_use_new_zipfile_serialization': False},
            'legacy1': {'_use_new_zipfile_serialization': False, 'pickle_protocol': 1},
        }.items():
            torch.save(value, folder / f'{name}.{how}.pt', **options)
            saved[f'{name}.{how}.pt'] = name
    torch.serialization.set_crc32_options(False)
    torch.save(everything['views'], folder / 'no_crc.pt')
    torch.serialization.set_crc32_options(True)
    saved['no_crc.pt'] = 'views'

    refused = {
        'model': nn.LSTM(2, 3), 'complex': torch.ones(2, dtype=torch.complex64), 'bytes': b'abc',
        'negated': torch.ones(2)._neg_view(), 'sparse': torch.eye(3).to_sparse(),
        'quantized': torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        'meta': torch.ones(2, device='meta'), 'storage': torch.ones(2).untyped_storage(), 'class': nn.LSTM,
        'function': torch.save, 'float8': torch.ones(2).to(torch.float8_e4m3fn),
    }
    if numpy:
        refused['array'] = numpy.ones(2)
    for name, value in refused.items():
        torch.save(value, folder / f'refused.{name}.pt')
    cycle = []
    cycle.append(cycle)
    torch.save(cycle, folder / 'refused.cycle.pt')
    torch.jit.script(nn.Linear(2, 2)).save(str(folder / 'refused.script.pt'))

    runs = []
    for kind in ('LSTM', 'GRU', 'RNN'):
        rnn = getattr(nn, kind)(3, 5, 2, bidirectional=True)
        x = torch.randn(7, 2, 3)
        torch.save(rnn.state_dict(), folder / f'run.{kind}.pt')
        output, last = rnn(x)
        hn, cn = last if kind == 'LSTM' else (last, None)
        runs.append({'kind': kind, 'input': bits(x), 'output': bits(output), 'hn': bits(hn),
                     'cn': None if cn is None else bits(cn)})

    written = {}
    if safetensors:
        torch.manual_seed(3)
        for name, tensors, metadata in (
            ('model', everything['model'], None), ('format', everything['model'], {'format': 'pt'}),
            ('empty', {}, None), ('names', {str(i): torch.full((i,), float(i)) for i in range(30)}, {}),
            ('odd', {'q"\\\n\t\x01\x7f\u2028': torch.ones(1), '🙂': torch.ones(2), '\uffee': torch.ones(0, 3),
                     'é': torch.tensor(1.0)}, {'ü"': '\n🙂'}),
        ):
            content = safetensors.torch.save({k: v.clone() for k, v in tensors.items()}, metadata)
            written[name] = {'tensors': described(tensors), 'metadata': metadata,
                             'bytes': base64.b64encode(content).decode()}
        (folder / 'dtypes.safetensors').write_bytes(safetensors.torch.save(everything['dtypes']))
    expected = {'values': {name: described(value) for name, value in everything.items()}, 'saved': saved,
                'refused': sorted(path.name for path in folder.glob('refused.*')),
                'runs': runs, 'safetensors': written}
    (folder / 'expected.json').write_text(json.dumps(expected))


def check(folder):
    """name of a file -> [name, type, shape, contiguous, bits] of each tensor, in order."""
    found = {}
    for path in sorted(folder.glob('ours.*.pt')):
        for how in ({}, {'mmap': True}):
            value = torch.load(path, weights_only=True, **how)
            assert type(value) is collections.OrderedDict, type(value)
            found[f'{path.name}{" mapped" if how else ""}'] = [
                [name, str(t.dtype), list(t.shape), t.is_contiguous() and not t.requires_grad,
                 bits(t.reshape(1) if t.dim() == 0 else t)]
                for name, t in value.items()
            ]
    model = nn.Sequential(collections.OrderedDict(
        rnn=nn.LSTM(3, 5, 2, bidirectional=True), fc=nn.Linear(10, 2)))
    model.load_state_dict(torch.load(folder / 'ours.model.pt'))
    if safetensors:
        for path in sorted(folder.glob('ours.*.safetensors')):
            found[path.name] = [
                [name, str(t.dtype), list(t.shape), True, bits(t.reshape(1) if t.dim() == 0 else t)]
                for name, t in sorted(safetensors.torch.load_file(path).items())
            ]
    return found


if __name__ == '__main__':
    if sys.argv[1] == 'version':
        print(json.dumps(version()))
    elif sys.argv[1] == 'write':
        write(pathlib.Path(sys.argv[2]))
    else:
        print(json.dumps(check(pathlib.Path(sys.argv[2]))))
