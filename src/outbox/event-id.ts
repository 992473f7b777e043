/** An event's id as others see it: `id` in `GET /v1/events`, `webhook-id` of its deliveries. */
export function eventId(id: string): string {
  return `evt_${id}`;
}
