/** What a search for room is asked, and how a set of victims fails. */
import type { Session } from './columns.ts';
import type { Lists } from './joborder.ts';
import type { WorkLists } from './lists.ts';
import type { Scenario } from './scenario.ts';

export interface Search {
  session: Session;
  /** Jobs that may be victims, found once for a job. */
  victims: () => Lists;
  lists: WorkLists;
  /** The outcome is allowed. The statement stands as simulated when this is asked, or the outcome is foretold. */
  legal: (scenario: Scenario, stays: Stays) => boolean;
  /** Asked before a simulation in which no victim can find another place. */
  legalIfGone?: (scenario: Scenario) => boolean;
}

/** Whether a victim's task keeps its place or finds another. */
export type Stays = (task: number) => boolean;

/** How a set fails: no room for the job, or the outcome is not allowed. */
export type Failure = 'no-room' | 'not-allowed';
