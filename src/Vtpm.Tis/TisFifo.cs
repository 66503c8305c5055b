using System.Security.Cryptography;
using Vtpm.Transports;

namespace Vtpm.Tis;

/// <summary>One command's way in and its response's way out, through the data register, burst by burst.</summary>
internal sealed class TisFifo(TisPort port)
{
    /// <summary>So often a command is sent that the TPM has not taken whole: it has not begun to execute it.</summary>
    private const int SendAttempts = 3;

    /// <summary>So often a response is read that does not come whole.</summary>
    private const int ReceiveAttempts = 3;

    /// <summary>Takes the TPM out of whatever it does, and waits until it is ready for a command.</summary>
    public bool TryMakeReady(TisTimings timings)
    {
        if ((port.ReadStatus() & TisStatus.CommandReady) != 0) return true;
        port.WriteStatus(TisStatus.CommandReady);
        return port.Await(timings.B, () => (port.ReadStatus() & TisStatus.CommandReady) != 0);
    }

    /// <summary>Sends a whole command and has it executed; returns when its response waits.</summary>
    public void Execute(ReadOnlySpan<byte> request, TisTimings timings, TimeSpan duration)
    {
        int attempt = 1;
        while (!TrySend(request, timings))
        {
            if (attempt++ == SendAttempts)
                throw port.Malformed($"the TPM does not take a command of {request.Length} bytes as it is sent; is it longer than the TPM's buffer?");
        }

        port.WriteStatus(TisStatus.Go);
        bool cancelled = false;
        bool answered = port.Await(duration, () =>
        {
            TisStatus status = port.ReadStatus();
            if ((status & TisStatus.Valid) == 0) return false;
            // Ready for a command is what it becomes when this one is cancelled, and not by us.
            cancelled = (status & (TisStatus.CommandReady | TisStatus.DataAvail)) == TisStatus.CommandReady;
            return cancelled || (status & TisStatus.DataAvail) != 0;
        });
        if (cancelled) throw port.Taken();
        if (!answered) throw port.TimedOut($"no response within {duration.TotalSeconds:0.###} s, as long as such a command may take");
    }

    /// <returns>The length of the response, which is in <paramref name="buffer"/>.</returns>
    public int Receive(Span<byte> buffer, TisTimings timings)
    {
        for (int attempt = 1; ; attempt++)
        {
            if (TryReceive(buffer, timings, out int length, out string what)) return length;
            CryptographicOperations.ZeroMemory(buffer);
            if (attempt == ReceiveAttempts) throw port.Malformed($"{what}, {attempt} times; is that a TPM?");
            port.ThrowIfTaken();
            port.WriteStatus(TisStatus.ResponseRetry);
        }
    }

    /// <returns>False when the TPM has another opinion of where the command ends: what it has is thrown away.</returns>
    private bool TrySend(ReadOnlySpan<byte> request, TisTimings timings)
    {
        if (!TryMakeReady(timings)) throw port.TimedOut("the TPM does not become ready for a command");
        // The last byte goes alone: before it the TPM has to expect more, and after it nothing more.
        ReadOnlySpan<byte> rest = request[..^1];
        while (!rest.IsEmpty)
        {
            WriteBurst(ref rest, timings);
            if (!Expects(more: true, timings)) return false;
        }

        rest = request[^1..];
        WriteBurst(ref rest, timings);
        return Expects(more: false, timings);
    }

    private void WriteBurst(ref ReadOnlySpan<byte> rest, TisTimings timings)
    {
        int burst = Math.Min(AwaitBurst(timings), rest.Length);
        foreach (byte value in rest[..burst]) port.WriteData(value);
        rest = rest[burst..];
    }

    private bool Expects(bool more, TisTimings timings)
    {
        TisStatus status = AwaitValid(timings);
        if ((status & TisStatus.Expect) != 0 == more) return true;
        port.ThrowIfTaken();
        port.WriteStatus(TisStatus.CommandReady);
        return false;
    }

    private bool TryReceive(Span<byte> buffer, TisTimings timings, out int length, out string what)
    {
        length = 0;
        if (Read(buffer[..TpmMessage.HeaderLength], timings) is var header and < TpmMessage.HeaderLength)
        {
            what = $"a response ends after {header} bytes";
            return false;
        }

        uint size = TpmMessage.ReadSize(buffer);
        if (size < TpmMessage.HeaderLength || size > (uint)buffer.Length)
        {
            what = $"a response says of itself that it has {size} bytes";
            return false;
        }

        int read = TpmMessage.HeaderLength + Read(buffer[TpmMessage.HeaderLength..(int)size], timings);
        bool more = read == size && (AwaitValid(timings) & TisStatus.DataAvail) != 0;
        what = more ? $"a response goes on after its {size} bytes" : $"a response of {size} bytes ends after {read}";
        length = read;
        return read == size && !more;
    }

    /// <returns>Fewer bytes than asked for when the TPM has no more.</returns>
    private int Read(Span<byte> bytes, TisTimings timings)
    {
        int count = 0;
        while (count < bytes.Length)
        {
            if (!port.AwaitStatus(TisStatus.DataAvail, TisStatus.DataAvail, timings.C)) break;
            int burst = Math.Min(AwaitBurst(timings), bytes.Length - count);
            for (int end = count + burst; count < end; count++) bytes[count] = port.ReadData();
        }

        return count;
    }

    private int AwaitBurst(TisTimings timings) =>
        port.AwaitBurst(timings.D) is > 0 and var burst ? burst : throw port.TimedOut("the burst count stays zero");

    private TisStatus AwaitValid(TisTimings timings)
    {
        TisStatus status = default;
        return port.Await(timings.C, () => ((status = port.ReadStatus()) & TisStatus.Valid) != 0)
            ? status
            : throw port.TimedOut("TPM_STS does not become valid");
    }
}
