// How the page is built. Nothing of the place where it will run is settled here: BACKEND_URL is read by each request.

/**
 * On every answer. The policy for scripts differs with each page (it holds a nonce) and is in proxy.ts. No
 * Cross-Origin-Opener-Policy: over plain HTTP, as at a node's port, browsers refuse it, and complain.
 */
const headersOfAll = [
  { key: "X-Content-Type-Options", value: "nosniff" },
  { key: "X-Frame-Options", value: "DENY" },
  { key: "Referrer-Policy", value: "same-origin" },
  { key: "Cross-Origin-Resource-Policy", value: "same-origin" },
  { key: "Permissions-Policy", value: "camera=(), geolocation=(), microphone=(), payment=(), usb=()" },
];

/** @type {import("next").NextConfig} */
const config = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  // No picture is resized, so the library for it (some 30 MB) stays out of the image.
  images: { unoptimized: true },
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] },
  poweredByHeader: false,
  reactStrictMode: true,
  // The root of a pod is read-only.
  experimental: { isrFlushToDisk: false },
  headers: async () => [{ source: "/:path*", headers: headersOfAll }],
};

export default config;
