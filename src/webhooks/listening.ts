/** The name by which an endpoint listens to events. */
export function sourceOf(endpointId: number): string {
  return `endpoint:${endpointId}`;
}
