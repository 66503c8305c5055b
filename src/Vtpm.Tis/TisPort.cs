using Vtpm.Transports;

namespace Vtpm.Tis;

/// <summary>One locality's registers as what they mean, with an end to every wait for them.</summary>
internal sealed class TisPort(ITisRegisters registers, TimeProvider time, string name)
{
    /// <summary>What reads so much is a bus on which nothing answers.</summary>
    private const uint NothingWide = 0xFFFF_FFFF;

    private readonly Patience _patience = new(time);

    /// <summary>For messages.</summary>
    public string Name { get; } = name;

    public uint ReadDeviceAndVendor() => registers.ReadUInt32(TisRegister.DeviceAndVendor);

    public uint ReadInterfaceId() => registers.ReadUInt32(TisRegister.InterfaceId);

    public TisAccess ReadAccess() => (TisAccess)registers.ReadByte(TisRegister.Access);

    public void WriteAccess(TisAccess command) => registers.WriteByte(TisRegister.Access, (byte)command);

    /// <exception cref="TpmTransportException">The TPM is not ours any more.</exception>
    public TisStatus ReadStatus()
    {
        var status = (TisStatus)registers.ReadByte(TisRegister.Status);
        if (status != TisStatus.NotOurs) return status;
        ThrowIfTaken();
        return TisStatus.None;
    }

    public void WriteStatus(TisStatus command) => registers.WriteByte(TisRegister.Status, (byte)command);

    /// <summary>How many bytes the FIFO takes or gives at once; 0 is for waiting.</summary>
    /// <exception cref="TpmTransportException">The TPM is not ours any more.</exception>
    public int ReadBurstCount()
    {
        // Read whole, since a byte after the other could be of two different counts.
        uint status = registers.ReadUInt32(TisRegister.Status);
        if (status != NothingWide) return (ushort)(status >> 8);
        ThrowIfTaken();
        return 0;
    }

    public byte ReadData() => registers.ReadByte(TisRegister.DataFifo);

    public void WriteData(byte value) => registers.WriteByte(TisRegister.DataFifo, value);

    public bool Await(TimeSpan limit, Func<bool> isSo) => _patience.Await(limit, isSo);

    /// <summary>Waits until the TPM says that its status is valid, and these bits of it are as wanted.</summary>
    public bool AwaitStatus(TisStatus bits, TisStatus wanted, TimeSpan limit) =>
        Await(limit, () => (ReadStatus() & (bits | TisStatus.Valid)) == (wanted | TisStatus.Valid));

    /// <summary>Waits for a burst count that is not zero.</summary>
    /// <returns>Zero when there was none in time.</returns>
    public int AwaitBurst(TimeSpan limit)
    {
        int burst = 0;
        Await(limit, () => (burst = ReadBurstCount()) > 0);
        return burst;
    }

    /// <summary>Whether a command can still be ours: it is not when a higher locality has seized the TPM, which ends the command.</summary>
    /// <exception cref="TpmTransportException">It is not.</exception>
    public void ThrowIfTaken()
    {
        TisAccess access = ReadAccess();
        if (access == TisAccess.Absent) throw Gone();
        if ((access & TisAccess.BeenSeized) != 0 || (access & TisAccess.ActiveLocality) == 0) throw Taken();
    }

    /// <summary>The error for a step that the TPM did not take in its time, unless the TPM is not ours any more, which says more.</summary>
    public TpmTransportException TimedOut(string what)
    {
        ThrowIfTaken();
        return new TpmTransportException(TpmTransportFault.TimedOut, $"{Name}: {what}; the command was cancelled");
    }

    public TpmTransportException Malformed(string what)
    {
        ThrowIfTaken();
        return new TpmTransportException(TpmTransportFault.Malformed, $"{Name}: {what}");
    }

    public TpmTransportException Gone() =>
        new(TpmTransportFault.Failed, $"{Name}: the registers read 0xFF: the TPM does not answer any more; is it asleep, or without power?");

    public TpmTransportException Taken() => new(TpmTransportFault.Interrupted,
        $"{Name}: another user of the TPM took it away in the middle of a command, whose result is lost; the command can be sent again");
}
