import { exitWith } from './cli/exit';
import { serve } from './cli/serve';

serve().catch(exitWith);
