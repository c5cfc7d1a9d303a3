import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "../styles/base.css";
import "../styles/page.css";
import "../styles/list.css";
import "../styles/notices.css";

export const metadata: Metadata = { title: "Todo", description: "What is to be done", robots: { index: false } };

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f4f3ef" },
    { media: "(prefers-color-scheme: dark)", color: "#15171c" },
  ],
};

// A page made in advance could not hold the nonce of proxy.ts.
export const dynamic = "force-dynamic";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
