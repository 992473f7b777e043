import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';

/** The account of this session. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: async () => (await api.GET('/v1/users/{userId}', { params: { path: { userId: 'me' } } })).data,
    staleTime: 60_000,
  });
}
