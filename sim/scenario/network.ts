/** What communication between the GPUs of a gang costs. */

/** Rates of one GPU's share of each kind of link, bytes per second, and time lost per message, µs. */
export interface NetworkSettings {
  algorithm: 'ring' | 'tree';
  nvlinkBytesPerSecond: number;
  railBytesPerSecond: number;
  spineBytesPerSecond: number;
  nvlinkLatencyUs: number;
  railLatencyUs: number;
  spineLatencyUs: number;
}

/** What a job's GPUs sum up over the whole gang in each step, and the step's time where they stand as close as they could. */
export interface AllReduce {
  bytes: number;
  stepUs: number;
}
