export async function register(): Promise<void> {
  // Spelled so that the bundler drops it from what runs outside Node.js.
  if (process.env.NEXT_RUNTIME === "nodejs") {
    const { endInTime } = await import("./lib/ending");
    endInTime();
  }
}
