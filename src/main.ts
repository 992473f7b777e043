import { exitWith, serve } from './serve';

serve().catch(exitWith);
