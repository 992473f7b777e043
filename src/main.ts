import { exitWith } from './cli/exit';
import { serve } from './serve';

serve().catch(exitWith);
