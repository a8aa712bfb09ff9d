/** Jobs that ask alike: what one of them cannot have, none of them can, so that each shape is tried once in a decision. */
import type { Scenario } from '../../scenario.ts';

/** A number for each job, equal for jobs that ask the same of the same pools. */
export function shapesOf(scenario: Scenario): Int32Array {
  const { jobs } = scenario;
  const numbers = new Map<string, number>();
  const shapeOf = new Int32Array(jobs.count);
  for (let j = 0; j < jobs.count; j++) {
    const first = jobs.taskStart[j];
    const last = jobs.taskStart[j + 1];
    let alike = true;
    for (let t = first + 1; t < last && alike; t++) alike = jobs.taskGpus[t] === jobs.taskGpus[first];
    const gang = alike ? `${last - first}×${jobs.taskGpus[first]}` : jobs.taskGpus.subarray(first, last).join();
    const each = `${jobs.shareMilli[j]} ${jobs.gpuMemoryMiB[j]} ${jobs.migProfile[j]} ${jobs.cpuMilli[j]} ${jobs.memoryMiB[j]}`;
    const text = `${jobs.poolList[j]} ${gang} ${each}`;
    let shape = numbers.get(text);
    if (shape === undefined) {
      shape = numbers.size;
      numbers.set(text, shape);
    }
    shapeOf[j] = shape;
  }
  return shapeOf;
}
