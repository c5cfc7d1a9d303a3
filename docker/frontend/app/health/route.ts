// Alive: this process answers. It asks nobody, so a backend that is away restarts no frontend.

export const dynamic = "force-dynamic";

export function GET(): Response {
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}
