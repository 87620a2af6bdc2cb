"""PyTorch as a peer: one workload, asked for a slice at a time (see ../runner.js).

What belongs to one thread is said in the environment too: a BLAS with threads of its own does
not heed torch.set_num_threads.
"""
import json
import math
import sys
import time

import torch
from torch import nn

PATIENCE = 10  # seconds: a warm-up that takes longer has been enough
FEW = 3


def fill(shape, seed, scale):
    """The values of ../fill.js, a hash of the place."""
    mask = 0xFFFFFFFF
    x = (torch.arange(math.prod(shape), dtype=torch.int64) + seed * 1000003) & mask
    for _ in range(2):
        x = ((x ^ (x >> 16)) * 0x45D9F3B) & mask
    x = x ^ (x >> 16)
    return ((x.double() / 2**32 * 2 - 1) * scale).float().reshape(shape)


def inputs(w):
    N, T, I = w["N"], w["T"], w["I"]
    if w["mode"] != "train" or w["classes"]:
        return fill((N, T, I), 1000, 1.0)
    return (1.0 + torch.arange(N)[:, None] + torch.arange(T)).reshape(N, T, 1)


class Net(nn.Module):
    """The recurrent layers, and the Linear behind them, with the weights of the workload."""

    def __init__(self, w):
        super().__init__()
        self.rnn = getattr(nn, w["kind"])(w["I"], w["H"], num_layers=w["L"], batch_first=True)
        self.fc = nn.Linear(w["H"], w["K"]) if w["K"] else None
        self.last = w["last"]
        scale = 1 / math.sqrt(w["H"])
        with torch.no_grad():
            for layer in range(w["L"]):
                for number, name in enumerate(("weight_ih", "weight_hh", "bias_ih"), start=1):
                    p = getattr(self.rnn, f"{name}_l{layer}")
                    p.copy_(fill(p.shape, 10 * layer + number, scale))
                getattr(self.rnn, f"bias_hh_l{layer}").zero_()
            if self.fc:
                self.fc.weight.copy_(fill(self.fc.weight.shape, 91, scale))
                self.fc.bias.copy_(fill(self.fc.bias.shape, 92, scale))

    def forward(self, x):
        y, _ = self.rnn(x)
        if self.last:
            y = y[:, -1]
        return self.fc(y) if self.fc else y


def cell_of(w, net):
    """The first layer as a cell, for loops written by hand."""
    cell = getattr(nn, w["kind"] + "Cell")(w["I"], w["H"])
    with torch.no_grad():
        for name, p in cell.named_parameters():
            p.copy_(getattr(net.rnn, name + "_l0"))
    return cell


class Loop(nn.Module):
    """One layer, step by step in Python; for few steps faster than the layer."""

    def __init__(self, w):
        super().__init__()
        net = Net(w)
        self.cell, self.fc = cell_of(w, net), net.fc

    def forward(self, x):
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return self.fc(state)


def training(w, model, **adam):
    x = inputs(w)
    if w["classes"]:
        target, loss_of = torch.arange(w["N"]) % 10, nn.CrossEntropyLoss()
    else:
        target, loss_of = x.sum(1), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **adam)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


def inference(model, x):
    @torch.inference_mode()
    def call():
        return model(x)

    return call


def traced(w):
    model = torch.jit.trace(Net(w).eval(), inputs(w))
    return inference(torch.jit.optimize_for_inference(model), inputs(w))


def stream(w):
    net, x = Net(w).eval(), inputs(w)
    state = (torch.zeros(1, 1, w["H"]), torch.zeros(1, 1, w["H"]))

    @torch.inference_mode()
    def step():
        nonlocal state
        y, state = net.rnn(x, state)
        return y

    return step


def stream_cell(w):
    cell, x = cell_of(w, Net(w)).eval(), inputs(w)[0]
    state = (torch.zeros(1, w["H"]), torch.zeros(1, w["H"]))

    @torch.inference_mode()
    def step():
        nonlocal state
        state = cell(x, state)
        return state[0]

    return step


def makers(w):
    """The ways to write the workload, by name."""
    layer = "nn." + w["kind"]
    if w["mode"] == "stream":
        return {layer: lambda: stream(w), layer + "Cell": lambda: stream_cell(w)}
    if w["mode"] == "forward":
        return {layer: lambda: inference(Net(w).eval(), inputs(w)), "traced": lambda: traced(w)}
    modern = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 4)
    option = "fused" if modern else "foreach"
    ways = {
        layer: lambda: training(w, Net(w)),
        f"{layer}, Adam {option}": lambda: training(w, Net(w), **{option: True}),
    }
    if w["kind"] == "RNN":
        ways["nn.RNNCell in a loop"] = lambda: training(w, Loop(w))
    return ways


def slice_of(run, group, seconds):
    """As slice() of ../timing.js: milliseconds a call, one for each group."""
    times = []
    start = now = time.perf_counter()
    while not times or now - start < seconds:
        begun = now
        for _ in range(group):
            run()
        now = time.perf_counter()
        times.append((now - begun) / group * 1e3)
    return times[1:] if len(times) > FEW else times


def prepare(run, settings):
    """As prepare() of ../timing.js: warms up, and notes what the calls came to."""
    begun = time.perf_counter()

    def spent():
        return time.perf_counter() - begun

    result = run().detach()
    if result.dim() == 0:
        check = {"loss0": result.item()}
    else:
        check = {"first": result.flatten()[0].item(), "sum": result.double().sum().item()}
    n = 1
    while (n < settings["calls"] or spent() < settings["warm"] / 1e3) and spent() < PATIENCE:
        result = run()
        if n == 10 and result.dim() == 0:
            check["loss10"] = result.item()
        n += 1
    group = 1
    while spent() < PATIENCE:
        took = slice_of(run, group, 0)[0] * group
        if took >= settings["grain"]:
            break
        group = math.ceil(group * min(10, 1.1 * settings["grain"] / took))
    return group, check


def blas():
    """What multiplies matrices; the reference BLAS does so some twenty times slower than others."""
    if torch.backends.mkl.is_available():
        return "MKL"
    with open("/proc/self/maps") as maps:
        loaded = maps.read().lower()
    names = ("OpenBLAS", "BLIS", "ATLAS")
    return next((name for name in names if name.lower() in loaded), "reference BLAS")


def main():
    if sys.argv[1] == "--version":
        print(json.dumps({"version": torch.__version__, "blas": blas()}))
        return
    request = json.loads(sys.argv[1])
    torch.set_num_threads(1)
    ready, tasks = {}, []
    for name, make in makers(request["workload"]).items():
        if tasks and not request["settings"]["all"]:
            break
        try:
            run = make()
            group, check = prepare(run, request["settings"])
            ready[name] = run, group
            tasks.append({"name": name, "check": check})
        except Exception as error:
            tasks.append({"name": name, "error": str(error)[:200]})
    print(json.dumps({"version": torch.__version__, "tasks": tasks}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        run, group = ready[asked["task"]]
        print(json.dumps({"times": slice_of(run, group, asked["ms"] / 1e3)}), flush=True)


main()
