export { type Client, type ClientOptions, createClient, type Schemas } from './client';
export { followRequest, type FollowOptions, type StatusChange } from './follow';
export { type ClaimedRequest } from './lease';
export { type Problem, ProblemError } from './problem-error';
export { type Fetch, type Retries } from './retries';
export { type paths } from './schema';
export { CancelRequested, LeaseLost, PermanentError } from './work-errors';
export { type Handler, type HandlerContext } from './work-in-hand';
export { createWorker, type Worker, type WorkerOptions } from './worker';
