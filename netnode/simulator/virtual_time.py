"""An event loop whose time jumps to the next timer, so that virtual minutes pass in the time their work takes.

Nothing from outside can reach it: threads, sockets and executors are refused. So when nothing is ready and no timer
stands, nothing will ever happen again, and that is reported at once instead of waiting for a timeout.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import heapq
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Final, NoReturn, TypeVar

from netnode.simulator.trace import Trace

T = TypeVar("T")

BUSY: Final = 200_000  # why: no honest work makes so many callbacks at one moment; more go round in circles
COLLECT_EVERY: Final = 500_000  # callbacks between two collections of garbage
CLEAN_EVERY: Final = 256  # timers that were cancelled and still stand in the heap before it is cleaned


class Stuck(Exception):
    """The run can or will not go on; says which tasks wait where."""


class Deadlock(Stuck):
    """Nothing is ready and no timer stands: everybody waits for somebody else."""


class Livelock(Stuck):
    """Callbacks run without end and no time passes."""


class NumberedTask(asyncio.Task[T]):
    """A task that sets keep in the same order in every run: asyncio's own are hashed by their address.

    asyncio keeps tasks in sets, and a TaskGroup cancels them in the order of one.
    """

    def __init__(
        self,
        number: int,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        loop: asyncio.AbstractEventLoop,
        name: str | None,
        context: contextvars.Context | None,
    ) -> None:
        self.number = number
        super().__init__(coro, loop=loop, name=name or f"task {number}", context=context)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """`asyncio.Runner(loop_factory=VirtualLoop)` runs a coroutine in virtual time.

    `events` counts the callbacks that ran. Turn the collector of garbage off for the time of a run: the loop calls it
    now and then, always at the same moments. `trace` takes in each timer that fires.
    """

    def __init__(self, trace: Callable[[Callable[[], float]], Trace] | None = None) -> None:
        super().__init__()
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._set = 0
        self._tasks = 0
        self._still = 0
        self._due: tuple[int, Callable[[], None]] | None = None
        self._collect_at = COLLECT_EVERY
        self.events = 0
        self.trace = Trace(self.time) if trace is None else trace(self.time)

    # -- time ------------------------------------------------------------------------------------------------
    def time(self) -> float:
        """Virtual seconds since the run began."""
        return self._now

    def at_event(self, count: int, action: Callable[[], None]) -> None:
        """Runs an action between two callbacks, when so many have run altogether; one at a time can stand.

        An await is where one callback ends and another begins, so this is between two awaits.
        """
        self._due = (count, action)

    def at_no_event(self) -> None:
        """Takes back what stands of `at_event`."""
        self._due = None

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """A timer; of two for the same moment the one that was set first fires first."""
        self._check_closed()  # type: ignore[attr-defined]
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, timer))
        return timer

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]
        self._drop_cancelled()
        timers = self._timers
        if not ready:
            if not timers:
                if self._stopping:  # type: ignore[attr-defined]
                    return
                raise Deadlock(f"nothing is ready and no timer stands at {self._now:.3f} s\n{self.tasks()}")
            if timers[0][0] > self._now:
                self._now = timers[0][0]
                self._still = 0
        while timers and timers[0][0] <= self._now:
            timer: Any = heapq.heappop(timers)[2]
            timer._scheduled = False
            if not timer._cancelled:
                self.trace.note("timer", getattr(timer._callback, "__qualname__", "?"))
                ready.append(timer)
        self._still += len(ready)
        if self._still > BUSY:
            count, self._still = self._still, 0
            raise Livelock(
                f"{count} callbacks at {self._now:.3f} s and no end, mostly: {self._mostly()}\n{self.tasks()}"
            )
        if self.events >= self._collect_at:
            self._collect_at += COLLECT_EVERY
            gc.collect()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
            self.events += 1
            if self._due is not None and self.events >= self._due[0]:
                action, self._due = self._due[1], None
                action()

    def _drop_cancelled(self) -> None:
        timers = self._timers
        cancelled: int = self._timer_cancelled_count  # type: ignore[has-type]
        if cancelled > CLEAN_EVERY and cancelled * 2 > len(timers):
            timers[:] = [each for each in timers if not each[2].cancelled()]
            heapq.heapify(timers)
            cancelled = 0
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
            cancelled -= 1
        self._timer_cancelled_count = max(0, cancelled)

    # -- tasks -----------------------------------------------------------------------------------------------
    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: contextvars.Context | None = None,
        **_: Any,
    ) -> asyncio.Task[T]:
        """A task, numbered in the order in which they were made."""
        self._tasks += 1
        return NumberedTask(self._tasks, coro, self, None if name is None else str(name), context)

    def tasks(self) -> str:
        """All tasks that have not ended, with where each one waits; for people."""
        found = sorted(asyncio.all_tasks(self), key=lambda each: getattr(each, "number", 0))
        return "\n".join(f"  {each.get_name()}: {_where(each)}" for each in found) or "  no task is left"

    def _mostly(self) -> str:
        names = Counter(
            getattr(each._callback, "__qualname__", type(each._callback).__name__)
            for each in self._ready  # type: ignore[attr-defined]
        )
        return ", ".join(f"{count} x {name}" for name, count in names.most_common(3))

    # -- what an event loop of this world does not do ---------------------------------------------------------
    def call_soon_threadsafe(self, *args: Any, **named: Any) -> NoReturn:  # type: ignore[override]
        """Refused: there are no threads in a simulation."""
        raise RuntimeError("a simulation has no threads")

    def run_in_executor(self, *args: Any, **named: Any) -> NoReturn:  # type: ignore[override]
        """Refused: there are no threads in a simulation."""
        raise RuntimeError("a simulation has no threads: blocking work goes through the Executor port")

    def _asyncgen_finalizer_hook(self, agen: AsyncGenerator[Any, Any]) -> None:
        # The loop's own goes by call_soon_threadsafe, since a collector may run in any thread.
        self._asyncgens.discard(agen)  # type: ignore[attr-defined]
        if not self.is_closed():
            self.call_soon(self.create_task, agen.aclose())

    def _process_events(self, event_list: Any) -> None:
        return

    def _write_to_self(self) -> None:
        return


async def over(task: asyncio.Task[Any]) -> None:
    """Waits for the end of a task, however it ends; who stops waiting does not end it."""
    waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task.add_done_callback(lambda _: None if waiting.done() else waiting.set_result(None))
    await waiting


def _where(task: asyncio.Task[Any]) -> str:
    """The innermost frames in which a task waits."""
    frames: list[str] = []
    at: Any = task.get_coro()
    while at is not None and len(frames) < 40:
        frame = (
            getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None) or getattr(at, "ag_frame", None)
        )
        if frame is not None:
            code = frame.f_code
            frames.append(f"{code.co_qualname}:{frame.f_lineno}")
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return " > ".join(frames[-4:])
