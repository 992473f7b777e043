import { exitWith } from './cli/exit';
import { serve } from './cli/start';

serve().catch(exitWith);
