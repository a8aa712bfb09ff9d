"""The hold model on SimPy: as many processes as there are pending events, each waiting an exponential time, for ever.

Arguments: pending events, events to handle. Prints the SimPy version and events per second.
"""

import random
import sys
import time

import simpy

pending, events = int(sys.argv[1]), int(sys.argv[2])
draw = random.Random(1)
delays = [draw.expovariate(1e-6) for _ in range(1 << 16)]
env = simpy.Environment()


def hold(i):
    while True:
        yield env.timeout(delays[i & 0xFFFF])
        i += 1


for i in range(pending):
    env.process(hold(i * 7919))
for _ in range(2 * pending):  # each process has started and scheduled its first event
    env.step()
start = time.perf_counter()
for _ in range(events):
    env.step()
print(simpy.__version__, events / (time.perf_counter() - start))
