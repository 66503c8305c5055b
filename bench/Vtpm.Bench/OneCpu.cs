using System.Diagnostics;
using System.Numerics;

namespace Vtpm.Bench;

/// <summary>
/// Puts this thread and the processes it starts on one CPU. Otherwise a client and a server that happened to come to lie on the same CPU wake each
/// other up several times as cheaply as two on different ones, and that chance lasts as long as the process.
/// </summary>
internal sealed class OneCpu : IDisposable
{
    // The process's affinity is that of its first thread, which is the one that measures.
    private readonly Process _self = Process.GetCurrentProcess();
    private readonly nint _before;

    public OneCpu()
    {
        _before = _self.ProcessorAffinity;
        // The last one: the first is where a machine's interrupts tend to arrive.
        _self.ProcessorAffinity = (nint)(1L << BitOperations.Log2((ulong)_before));
    }

    public void Dispose()
    {
        _self.ProcessorAffinity = _before;
        _self.Dispose();
    }
}
