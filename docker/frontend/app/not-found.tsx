import Link from "next/link";

export default function NotFound() {
  return (
    <main className="page">
      <div className="panel">
        <h1>There is nothing here</h1>
        <Link className="button" href="/">
          To the todos
        </Link>
      </div>
    </main>
  );
}
