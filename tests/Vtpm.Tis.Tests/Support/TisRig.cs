using System.Buffers.Binary;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests.Support;

/// <summary>A driver on a <see cref="TisDevice"/>, and what a test asks about both. At the end no rule of the interface has been broken.</summary>
internal sealed class TisRig : IDisposable
{
    /// <summary>A command of a class that has the short duration: TPM_PCRRead of PCR 0.</summary>
    public static readonly byte[] ShortCommand = Command(0x15, 0, 0, 0, 0);

    private readonly TisOptions _options;
    private TisConnection? _connection;

    public TisRig(TisOptions? options = null)
    {
        Device = new TisDevice(Time);
        // Most tests are about one command and no question before it: a TPM 2.0 is asked none.
        _options = (options ?? new TisOptions { IsTpm2 = true }) with { Time = Time };
    }

    public SteppingTime Time { get; } = new();

    public TisDevice Device { get; }

    /// <summary>Whether breaking the rules is what the device has made the driver do: writing while it loses the TPM.</summary>
    public bool AllowsViolations { get; set; }

    public TisConnection Connection => _connection ??= TisConnection.Open(Device.Page(_options.Locality), _options);

    public static byte[] Command(uint ordinal, params byte[] parameters) => Message(0x00C1, ordinal, parameters);

    public static byte[] Response(uint result, params byte[] parameters) => Message(0x00C4, result, parameters);

    public byte[] Transmit(byte[]? request = null)
    {
        byte[] response = new byte[TpmMessage.MaxLength];
        return response[..Connection.Transmit(request ?? ShortCommand, response)];
    }

    /// <summary>Sends a command that has to fail so.</summary>
    public TpmTransportException Fails(TpmTransportFault fault, byte[]? request = null)
    {
        var e = Assert.Throws<TpmTransportException>(() => Transmit(request));
        Assert.Equal(fault, e.Fault);
        Assert.Contains("tis:0xfed40000", e.Message, StringComparison.Ordinal);
        return e;
    }

    /// <summary>What was waited since the last call is that long, and an eighth at most longer.</summary>
    public void HasWaited(TimeSpan time, TimeSpan before = default) =>
        Assert.InRange(Time.Waited - before, time, time * 1.125 + TimeSpan.FromMilliseconds(20));

    public void Dispose()
    {
        _connection?.Dispose();
        if (!AllowsViolations) Assert.Empty(Device.Violations);
        Assert.NotEqual(_options.Locality, Device.Active);
        Assert.False(Device.IsWaiting(_options.Locality));
    }

    private static byte[] Message(ushort tag, uint code, byte[] parameters)
    {
        byte[] message = new byte[TpmMessage.HeaderLength + parameters.Length];
        BinaryPrimitives.WriteUInt16BigEndian(message, tag);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(2), (uint)message.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(6), code);
        parameters.CopyTo(message, TpmMessage.HeaderLength);
        return message;
    }
}
