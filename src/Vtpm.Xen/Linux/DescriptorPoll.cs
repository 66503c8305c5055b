using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Xen;

/// <summary>Waits for any number of descriptors, by epoll: what is silent costs nothing, however much of it there is.</summary>
/// <remarks>One thread, <see cref="Interrupt"/> excepted.</remarks>
internal sealed class DescriptorPoll : IDisposable
{
    private const int Add = 1;
    private const int Remove = 2;
    private const uint Readable = 1;   // EPOLLIN; an error and an end are told unasked
    private const int EventsAtOnce = 256;

    // struct epoll_event { u32 events; u64 data; }, which x86-64 alone packs.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataAt + sizeof(ulong);

    private readonly SafeFileHandle _poll = Owned(LibC.CreatePoll(LibC.CloseOnExec), "epoll");
    private readonly SafeFileHandle _interrupt = Owned(LibC.EventDescriptor(0, LibC.CloseOnExec | LibC.NonBlocking), "eventfd");
    private readonly Dictionary<SafeHandle, ulong> _numbers = [];

    // By a number that is never used again: an event may wait here whose descriptor is disregarded by the one before it.
    private readonly Dictionary<ulong, Action> _actions = [];
    private readonly byte[] _events = new byte[EventsAtOnce * EventSize];
    private ulong _lastNumber;

    public DescriptorPoll() => Attend(_interrupt, TakeInterrupt);

    public void Attend(SafeHandle handle, Action ready)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(ready);
        if (_numbers.ContainsKey(handle)) throw new InvalidOperationException("the descriptor is attended to already");
        ulong number = ++_lastNumber;
        // Its number must not become another file's while it is in the set.
        bool held = false;
        handle.DangerousAddRef(ref held);
        if (LibC.ControlPoll(_poll, Add, (int)handle.DangerousGetHandle(), Event(number)) < 0)
        {
            string error = Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());
            handle.DangerousRelease();
            throw new XenException($"cannot wait for a descriptor: {error}");
        }

        _numbers.Add(handle, number);
        _actions.Add(number, ready);
    }

    public void Disregard(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (!_numbers.Remove(handle, out ulong number)) return;
        _actions.Remove(number);
        _ = LibC.ControlPoll(_poll, Remove, (int)handle.DangerousGetHandle(), Event(number));
        handle.DangerousRelease();
    }

    /// <summary>Waits, and calls the actions of what is ready.</summary>
    public void Wait(TimeSpan timeout)
    {
        int milliseconds = timeout == Timeout.InfiniteTimeSpan ? -1 : (int)Math.Min(int.MaxValue, Math.Ceiling(timeout.TotalMilliseconds));
        int count = LibC.WaitPoll(_poll, _events, EventsAtOnce, milliseconds);
        if (count < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == LibC.Interrupted) return;
            throw new XenException($"cannot wait for Xen: {Marshal.GetPInvokeErrorMessage(error)}");
        }

        for (int i = 0; i < count; i++)
            if (_actions.TryGetValue(BitConverter.ToUInt64(_events, (i * EventSize) + DataAt), out Action? ready)) ready();
    }

    /// <summary>Ends a <see cref="Wait"/>, this one or the next; from any thread.</summary>
    public void Interrupt()
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(one, 1UL);
        _ = LibC.Write(_interrupt, one, sizeof(ulong));
    }

    public void Dispose()
    {
        foreach (SafeHandle handle in _numbers.Keys) handle.DangerousRelease();
        _numbers.Clear();
        _actions.Clear();
        _interrupt.Dispose();
        _poll.Dispose();
    }

    private void TakeInterrupt()
    {
        Span<byte> count = stackalloc byte[sizeof(ulong)];
        _ = LibC.Read(_interrupt, count, sizeof(ulong));
    }

    private static byte[] Event(ulong number)
    {
        byte[] bytes = new byte[EventSize];
        BitConverter.TryWriteBytes(bytes, Readable);
        BitConverter.TryWriteBytes(bytes.AsSpan(DataAt), number);
        return bytes;
    }

    private static SafeFileHandle Owned(int descriptor, string what) => descriptor >= 0
        ? new SafeFileHandle(descriptor, ownsHandle: true)
        : throw new XenException($"no {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
