using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Vtpm.Transports;

namespace Vtpm.Tis;

/// <summary>One locality's page of a TPM, mapped into this process.</summary>
/// <remarks>No other page of the machine's memory is, so that a defect of ours reaches no other device.</remarks>
public sealed unsafe class MappedRegisters : ITisRegisters
{
    private readonly string _name;
    private nint _mapping;
    private nuint _length;
    private byte* _page;

    private MappedRegisters(string name, nint mapping, nuint length, int pageOffset)
    {
        _name = name;
        _mapping = mapping;
        _length = length;
        _page = (byte*)mapping + pageOffset;
    }

    /// <exception cref="TpmTransportException">The file cannot be opened or mapped; the message says what to do.</exception>
    public static MappedRegisters Map(TisOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string path = options.MemoryPath;
        long address = options.Address + (long)options.Locality * TisOptions.PageSize;
        // A kernel with larger pages maps no less than one of them.
        long start = address & ~((long)Environment.SystemPageSize - 1);
        nuint length = (nuint)(address - start + TisOptions.PageSize);
        using SafeFileHandle file = OpenMemory(path);
        // A regular file that ends before the page would be a bus error at the first access. Devices have no length.
        if (RandomAccess.GetLength(file) is > 0 and var size && size < address + TisOptions.PageSize)
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"{path} ends before 0x{address:x}, where the TPM's registers are to be");
        nint mapping = LibC.Map(0, length, LibC.ProtectionReadWrite, LibC.MapShared, file, start);
        return mapping == LibC.MapFailed
            ? throw CannotMap(path, address, Marshal.GetLastPInvokeError())
            : new MappedRegisters($"{path} at 0x{address:x}", mapping, length, (int)(address - start));
    }

    public byte ReadByte(int offset) => Volatile.Read(ref *At(offset, sizeof(byte)));

    public uint ReadUInt32(int offset) => Volatile.Read(ref *(uint*)At(offset, sizeof(uint)));

    public void WriteByte(int offset, byte value) => Volatile.Write(ref *At(offset, sizeof(byte)), value);

    public void WriteUInt32(int offset, uint value) => Volatile.Write(ref *(uint*)At(offset, sizeof(uint)), value);

    public void Dispose()
    {
        if (_page is null) return;
        _page = null;
        _ = LibC.Unmap(_mapping, _length);
        (_mapping, _length) = (0, 0);
    }

    public override string ToString() => _name;

    private byte* At(int offset, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, TisOptions.PageSize - width);
        ObjectDisposedException.ThrowIf(_page is null, this);
        return _page + offset;
    }

    internal static SafeFileHandle OpenMemory(string path)
    {
        try
        {
            // WriteThrough is O_SYNC, by which /dev/mem knows that no cache may stand between us and the device.
            return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, FileOptions.WriteThrough);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"{path}: there is no such file; this kernel gives no access to devices' registers", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"{path}: no permission to open it; registers are for root alone (CAP_SYS_RAWIO), and for nobody where the kernel is locked down", e);
        }
        catch (IOException e)
        {
            throw new TpmTransportException(TpmTransportFault.Failed, $"{path}: cannot open it: {e.Message}", e);
        }
    }

    private static TpmTransportException CannotMap(string path, long address, int error) => error == LibC.OperationNotPermitted
        ? new TpmTransportException(TpmTransportFault.Unavailable,
            $"{path}: the kernel does not let us map the TPM's registers at 0x{address:x}: something has claimed them (see /proc/iomem); "
            + "start the kernel with iomem=relaxed, or use the kernel's own driver (tpmdriver=/dev/tpm0)")
        : new TpmTransportException(TpmTransportFault.Failed, $"{path}: cannot map 0x{address:x}: {Marshal.GetPInvokeErrorMessage(error)}");
}
