/** The variable that tells a release where another service answers: `order-api` is found at `ORDER_API_URL`. */
export function addressVariable(service: string): string {
  return `${service.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_URL`;
}
