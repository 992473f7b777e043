export class ProviderDto {
  /** Part of the address of its login, `/v1/auth/oidc/{id}`. */
  id: string;
  /** What a button that leads there reads. */
  name: string;
}

export class ProvidersDto {
  items: ProviderDto[];
}
