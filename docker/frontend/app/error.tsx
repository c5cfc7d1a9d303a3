"use client";

export default function PageFailed({ reset }: { error: Error; reset: () => void }) {
  return (
    <main className="page">
      <div className="panel" role="alert">
        <h1>Something went wrong in this page</h1>
        <button className="button main" onClick={reset} type="button">
          Try again
        </button>
      </div>
    </main>
  );
}
