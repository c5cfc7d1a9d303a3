// Reads the body of a request as far as a limit.

export class TooLong extends Error {}

/** @throws TooLong as soon as it is known; what is left of the body is then never kept. */
export async function bodyWithin(limit: number, request: Request): Promise<Uint8Array | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) {
    throw new TooLong();
  }
  if (request.body === null) {
    return undefined;
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length > limit) {
      throw new TooLong();
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
