namespace Vtpm.Transports;

/// <summary>A character device with the contract of Linux's /dev/tpm0: one write is the request, one read the response.</summary>
/// <remarks>
/// The driver knows each command's duration and ends a command that exceeds it, so there is no timeout of our own to add; the base library
/// could not interrupt the read anyway.
/// </remarks>
internal sealed class DeviceConnection : ITpmConnection
{
    // errno as the base library leaves it in HResult.
    private const int NoSuchDevice = 6;
    private const int Busy = 16;

    private readonly TpmAddress _address;
    private readonly FileStream _device;
    // A read that is shorter than the response would leave its rest for the next command to find.
    private readonly byte[] _buffer = new byte[TpmMessage.MaxLength];
    private bool _broken;

    private DeviceConnection(TpmAddress address, FileStream device)
    {
        _address = address;
        _device = device;
    }

    public static DeviceConnection Open(TpmAddress address)
    {
        try
        {
            // Without a buffer, so that each call is one of the system's.
            return new DeviceConnection(address,
                new FileStream(address.Name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{address}: there is no such device; is the TPM enabled, and its driver loaded?", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"{address}: no permission to open it, or not a device", e);
        }
        catch (IOException e) when (e.HResult == Busy)
        {
            throw new TpmTransportException(TpmTransportFault.InUse, $"{address}: another program (tcsd?) holds the device; stop it", e);
        }
        catch (IOException e) when (e.HResult == NoSuchDevice)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{address}: not a device; for a Unix socket write unix:{address.Name}", e);
        }
        catch (IOException e)
        {
            throw new TpmTransportException(TpmTransportFault.Failed, $"{address}: cannot open it: {e.Message}", e);
        }
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!TpmMessage.IsWhole(request)) throw new ArgumentException("the request's paramSize is not its length", nameof(request));
        if (_broken) throw new TpmTransportException(TpmTransportFault.Broken, $"{_address}: the device failed before; open it again");
        _broken = true;
        int length;
        try
        {
            _device.Write(request);
            length = _device.Read(_buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TpmTransportException(TpmTransportFault.Failed, $"{_address}: {e.Message}", e);
        }

        var answer = _buffer.AsSpan(0, length);
        if (length == 0) throw new TpmTransportException(TpmTransportFault.Closed, $"{_address}: the device gave no response");
        if (!TpmMessage.IsWhole(answer)) throw Malformed($"{length} bytes that are not one response");
        if (length > response.Length) throw Malformed($"a response of {length} bytes does not fit into {response.Length}");
        answer.CopyTo(response);
        answer.Clear();
        _broken = false;
        return length;
    }

    public void Dispose()
    {
        _broken = true;
        _device.Dispose();
    }

    private TpmTransportException Malformed(string what) => new(TpmTransportFault.Malformed, $"{_address}: {what}; is that a TPM 1.2?");
}
