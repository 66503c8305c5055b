using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Tis;

/// <summary>
/// A TPM behind the registers of the PC Client TPM Interface Specification (TIS 1.2 and 1.3), driven from user space by polling: the tpm_tis driver
/// of Xen's vTPM Manager. The TPM is given back to the other localities after every command.
/// </summary>
public sealed class TisConnection : ITpmConnection
{
    /// <summary>The kernel's driver of the same registers.</summary>
    private const string KernelDriver = "tpm_tis";

    private readonly ITisRegisters _registers;
    private readonly TisPort _port;
    private readonly TisLocality _locality;
    private readonly TisFifo _fifo;
    // Secrets pass through it.
    private readonly byte[] _response = GC.AllocateArray<byte>(TpmMessage.MaxLength, pinned: true);
    private TisTimings _timings;
    private bool _hasDefaults;
    private bool _asksForTimings;
    private bool _broken;
    private bool _disposed;

    private TisConnection(ITisRegisters registers, TisOptions options)
    {
        _registers = registers;
        _port = new TisPort(registers, options.Time, Describe(options));
        _locality = new TisLocality(_port, options.Locality, options.LocalityPatience);
        _fifo = new TisFifo(_port);
        _timings = options.IsTpm2 ? TisTimings.Tpm2 : TisTimings.Tpm12;
        _hasDefaults = !options.IsTpm2;
        _asksForTimings = _hasDefaults;
    }

    /// <summary>For messages.</summary>
    public string Name => _port.Name;

    internal TisTimings Timings => _timings;

    /// <summary>Maps the registers and looks whether a TPM is there.</summary>
    /// <exception cref="TpmTransportException">It cannot be reached so; the message says what to do.</exception>
    public static TisConnection Open(TisOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        // Two drivers of one set of registers would take each other's bytes.
        if (KernelTpm.List(options.KernelDevices).FirstOrDefault(tpm => tpm.Driver == KernelDriver) is { } held)
            throw new TpmTransportException(TpmTransportFault.InUse,
                $"{Describe(options)}: the kernel's own driver {held.Driver} has this machine's TPM; use it (tpmdriver={held.DevicePath}), or take the TPM "
                + $"from it: echo {held.Device} > /sys/bus/{held.Bus}/drivers/{held.Driver}/unbind");
        return Open(MappedRegisters.Map(options), options);
    }

    /// <summary>The same over registers that are there already, and that the connection disposes of.</summary>
    /// <exception cref="TpmTransportException">No TPM answers.</exception>
    public static TisConnection Open(ITisRegisters registers, TisOptions options)
    {
        ArgumentNullException.ThrowIfNull(registers);
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        var connection = new TisConnection(registers, options);
        try
        {
            connection._locality.Probe();
            if (connection._asksForTimings) connection.ReadTimings();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!TpmMessage.IsWhole(request)) throw new ArgumentException("the request's paramSize is not its length", nameof(request));
        if (_broken) throw new TpmTransportException(TpmTransportFault.Broken, $"{Name}: the link failed before; open a new one");
        if (_asksForTimings) ReadTimings();
        int length = Exchange(request, response);
        // A TPM that had not been started may have refused to tell.
        _asksForTimings =
            _hasDefaults && TpmMessage.ReadOrdinal(request) == TpmOrdinal.Startup && TpmMessage.ReadResult(response) == TpmResult.Success;
        return length;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _broken = true;
        CryptographicOperations.ZeroMemory(_response);
        _registers.Dispose();
    }

    public override string ToString() => Name;

    private static string Describe(TisOptions options) =>
        string.Create(CultureInfo.InvariantCulture, $"tis:0x{options.Address:x} locality {options.Locality}");

    private static void Check(TisOptions options)
    {
        if (options.Locality is < 0 or > TisOptions.HighestLocality)
            throw new ArgumentException($"locality {options.Locality}: localities are 0 to {TisOptions.HighestLocality}", nameof(options));
        if (options.Address < 0 || options.Address % TisOptions.PageSize != 0 || options.Address > long.MaxValue - (TisOptions.HighestLocality + 1) * TisOptions.PageSize)
            throw new ArgumentException($"0x{options.Address:x} is not the address of a page", nameof(options));
    }

    private int Exchange(ReadOnlySpan<byte> request, Span<byte> response)
    {
        _broken = true;
        try
        {
            _locality.Request(_timings);
            _fifo.Execute(request, _timings, _timings.DurationOf((uint)TpmMessage.ReadOrdinal(request)));
            int length = _fifo.Receive(_response, _timings);
            if (length > response.Length)
                throw _port.Malformed($"a response of {length} bytes does not fit into {response.Length}");
            _response.AsSpan(0, length).CopyTo(response);
            _port.WriteStatus(TisStatus.CommandReady);
            _locality.Release();
            _broken = false;
            return length;
        }
        catch (TpmTransportException)
        {
            GiveUp();
            throw;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(_response);
        }
    }

    /// <summary>Cancels what the TPM is at, and gives it back: others may be waiting for it.</summary>
    private void GiveUp()
    {
        try
        {
            if (!_locality.IsHeld) return;
            _port.WriteStatus(TisStatus.CommandReady);
            _port.Await(_timings.B, () => (_port.ReadStatus() & TisStatus.CommandReady) != 0);
            _locality.Release();
        }
        catch (TpmTransportException)
        {
            // It is not ours any more; the error that is on its way says more.
        }
    }

    /// <summary>Asks the TPM how long it may take; what it does not tell stays as it was.</summary>
    private void ReadTimings()
    {
        _asksForTimings = false;
        Span<uint> timeouts = stackalloc uint[4];
        Span<uint> durations = stackalloc uint[3];
        if (!TryReadProperty(TpmCapabilityProperty.TisTimeout, timeouts) || !TryReadProperty(TpmCapabilityProperty.Duration, durations)) return;
        _timings = _timings.WithTimeouts(timeouts).WithDurations(durations);
        _hasDefaults = false;
    }

    private bool TryReadProperty(TpmCapabilityProperty property, Span<uint> values)
    {
        byte[] request = new byte[TpmMessage.HeaderLength + 3 * sizeof(uint)];
        BinaryPrimitives.WriteUInt16BigEndian(request, (ushort)TpmTag.RquCommand);
        WriteUInt32s(request.AsSpan(sizeof(ushort)),
            [(uint)request.Length, (uint)TpmOrdinal.GetCapability, (uint)TpmCapability.Property, sizeof(uint), (uint)property]);
        byte[] response = new byte[TpmMessage.MaxLength];
        int length = Exchange(request, response);
        int size = values.Length * sizeof(uint);
        ReadOnlySpan<byte> parameters = response.AsSpan(TpmMessage.HeaderLength);
        if (TpmMessage.ReadResult(response) != TpmResult.Success || length != TpmMessage.HeaderLength + sizeof(uint) + size
            || BinaryPrimitives.ReadUInt32BigEndian(parameters) != size) return false;
        BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, uint>(parameters.Slice(sizeof(uint), size)), values);
        return true;
    }

    private static void WriteUInt32s(Span<byte> bytes, ReadOnlySpan<uint> values)
    {
        foreach (uint value in values)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
            bytes = bytes[sizeof(uint)..];
        }
    }
}
