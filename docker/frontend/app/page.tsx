import { TodoApp } from "@/components/todo-app";
import { queryOfAddress } from "@/lib/todo";

type Properties = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export default async function Page({ searchParams }: Properties) {
  return (
    <>
      <noscript>
        <p className="noscript">This page needs JavaScript.</p>
      </noscript>
      <TodoApp query={queryOfAddress(await searchParams)} />
    </>
  );
}
