namespace Vtpm.Backend;

/// <summary>
/// What can wait for something that does not answer, a disk that has gone, a manager's door with a crowd before it: done by other threads than the
/// service's, a few of them, which hears of the end as of any other event.
/// </summary>
/// <param name="post">Has the service's thread do something; from any thread.</param>
internal sealed class BlockingWork(Action<Action> post)
{
    /// <summary>Those that hang take a thread each. Beyond it the others wait.</summary>
    private const int MostThreads = 16;

    private const int StackSize = 256 * 1024;

    private static readonly TimeSpan IdlePatience = TimeSpan.FromSeconds(10);

    private readonly object _gate = new();
    private readonly Queue<Lane> _ready = [];
    private int _threads;
    private int _idle;

    /// <summary>A way on which one thing is done after the other.</summary>
    public Lane NewLane() => new(this);

    /// <summary>There is a thread for each lane that is ready, or all of them are taken. Again with each job, for a start that has failed before.</summary>
    private void SeeToThreads()
    {
        if (_ready.Count <= _idle)
        {
            Monitor.PulseAll(_gate);
        }
        else if (_threads < MostThreads)
        {
            new Thread(Work, StackSize) { IsBackground = true, Name = "blocking work" }.Start();
            _threads++;
        }
    }

    private void Work()
    {
        while (Next() is { } lane)
        {
            lane.Next()();
            lock (_gate)
            {
                if (lane.HasMore()) _ready.Enqueue(lane);   // behind those that wait; this thread is free for one of them
            }
        }
    }

    /// <returns>Null when this thread is not needed any more.</returns>
    private Lane? Next()
    {
        lock (_gate)
        {
            Lane? lane;
            while (!_ready.TryDequeue(out lane))
            {
                _idle++;
                bool called = Monitor.Wait(_gate, IdlePatience);
                _idle--;
                if (called || _ready.Count > 0) continue;
                _threads--;
                return null;
            }

            return lane;
        }
    }

    /// <summary>One after the other, in the order in which they were given; for the service's thread.</summary>
    public sealed class Lane
    {
        private readonly BlockingWork _owner;

        // The first is the one that is done now.
        private readonly Queue<Action> _jobs = [];
        private int _outstanding;

        internal Lane(BlockingWork owner) => _owner = owner;

        /// <summary>Something is done, or waits to be, or its end has not been heard of.</summary>
        public bool IsBusy => _outstanding > 0;

        /// <summary>Has something done.</summary>
        /// <param name="work">Called by another thread.</param>
        /// <param name="done">Called by the service's thread, with what came of it, or with what was thrown.</param>
        public void Run<T>(Func<T> work, Action<T?, Exception?> done)
        {
            _outstanding++;
            Add(() =>
            {
                T? result = default;
                Exception? fault = null;
                try
                {
                    result = work();
                }
                catch (Exception exception)
                {
                    fault = exception;
                }

                _owner.Post(() =>
                {
                    _outstanding--;
                    done(result, fault);
                });
            });
        }

        /// <inheritdoc cref="Run{T}"/>
        public void Run(Action work, Action<Exception?> done) => Run(
            () =>
            {
                work();
                return true;
            },
            (_, fault) => done(fault));

        internal Action Next()
        {
            lock (_owner._gate) return _jobs.Peek();
        }

        /// <summary>The one that was done is; whether there is another. With the gate held.</summary>
        internal bool HasMore()
        {
            _jobs.Dequeue();
            return _jobs.Count > 0;
        }

        private void Add(Action job)
        {
            lock (_owner._gate)
            {
                _jobs.Enqueue(job);
                if (_jobs.Count == 1) _owner._ready.Enqueue(this);
                _owner.SeeToThreads();
            }
        }
    }

    private void Post(Action action) => post(action);
}
