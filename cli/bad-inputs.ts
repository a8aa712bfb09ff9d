/** Errors whose words are for the user to mend: exit code 2. All others are defects of simsup. */
import { UserError } from '../scenarios/import/import.ts';
import { ScenarioError } from '../scenarios/index.ts';
import { ForeignPolicyError, PolicyArgumentError } from '../sim/simulate.ts';

export const BAD_INPUTS = [ScenarioError, UserError, PolicyArgumentError, ForeignPolicyError];
