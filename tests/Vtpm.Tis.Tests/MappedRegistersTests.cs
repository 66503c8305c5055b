using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>The mapping, over a file in the place of /dev/mem, and what is refused before there is one.</summary>
public sealed class MappedRegistersTests : IDisposable
{
    private const int Address = 0x10000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-tis-");
    private readonly TisOptions _options;

    public MappedRegistersTests()
    {
        File.WriteAllBytes(Memory, new byte[Address + 5 * TisOptions.PageSize]);
        _options = new TisOptions { MemoryPath = Memory, Address = Address, KernelDevices = Path.Combine(_directory.FullName, "tpm") };
    }

    private string Memory => Path.Combine(_directory.FullName, "memory");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    public void Registers_AreThePageOfTheirLocality(int locality)
    {
        byte[] expected = new byte[Address + 5 * TisOptions.PageSize];
        int page = Address + locality * TisOptions.PageSize;
        expected[page] = 0x11;
        new byte[] { 0x78, 0x56, 0x34, 0x12 }.CopyTo(expected, page + 0x18);
        expected[page + 0xFFF] = 0x99;
        using (MappedRegisters registers = MappedRegisters.Map(_options with { Locality = locality }))
        {
            registers.WriteByte(0, 0x11);
            registers.WriteUInt32(0x18, 0x12345678);
            registers.WriteByte(0xFFF, 0x99);
            Assert.Equal(0x11, registers.ReadByte(0));
            Assert.Equal(0x12345678u, registers.ReadUInt32(0x18));
            Assert.Equal(0x56, registers.ReadByte(0x19));
        }

        Assert.Equal(expected, File.ReadAllBytes(Memory));
    }

    [Fact]
    public void Registers_BeyondTheirPage_AreRefused()
    {
        using MappedRegisters registers = MappedRegisters.Map(_options);
        Assert.Throws<ArgumentOutOfRangeException>(() => registers.ReadByte(TisOptions.PageSize));
        Assert.Throws<ArgumentOutOfRangeException>(() => registers.ReadByte(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => registers.ReadUInt32(TisOptions.PageSize - 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => registers.WriteUInt32(TisOptions.PageSize - 3, 0));
    }

    [Fact]
    public void Registers_GivenBack_AreRefusedAndNoFault()
    {
        MappedRegisters registers = MappedRegisters.Map(_options);
        registers.Dispose();
        registers.Dispose();
        Assert.Throws<ObjectDisposedException>(() => registers.ReadByte(0));
        Assert.Throws<ObjectDisposedException>(() => registers.WriteUInt32(0, 1));
    }

    [Fact]
    public void Registers_BehindTheEndOfAFile_AreRefusedAndNoFault()
    {
        var e =
            Assert.Throws<TpmTransportException>(() => MappedRegisters.Map(_options with { Address = Address + TisOptions.PageSize, Locality = 4 }));
        Assert.Contains("ends before 0x15000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_ThatIsNotThere_IsReported()
    {
        var e = Assert.Throws<TpmTransportException>(() => MappedRegisters.Map(_options with { MemoryPath = "/nonexistent/mem" }));
        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains("/nonexistent/mem", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_ThatCannotBeMapped_IsReported()
    {
        var e = Assert.Throws<TpmTransportException>(() => MappedRegisters.Map(_options with { MemoryPath = "/dev/tty", Address = 0 }));
        Assert.Contains("/dev/tty: cannot", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhereMemoryReadsZeroes_SaysThereIsNoTpm()
    {
        var e = Assert.Throws<TpmTransportException>(() => TisConnection.Open(_options));
        Assert.Equal(TpmTransportFault.Unavailable, e.Fault);
        Assert.Contains("tis:0x10000 locality 0: no TPM answers there", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhereTheKernelsDriverHasTheTpm_IsRefusedBeforeAnythingIsMapped()
    {
        string device = Path.Combine(_directory.FullName, "tpm", "tpm0");
        Directory.CreateDirectory(Path.Combine(device, "00:05"));
        File.CreateSymbolicLink(Path.Combine(device, "device"), "00:05");
        File.CreateSymbolicLink(Path.Combine(device, "00:05", "driver"), "../../../bus/pnp/drivers/tpm_tis");
        File.CreateSymbolicLink(Path.Combine(device, "00:05", "subsystem"), "../../../bus/pnp");
        var e = Assert.Throws<TpmTransportException>(() => TisConnection.Open(_options with { MemoryPath = "/nonexistent/mem" }));
        Assert.Equal(TpmTransportFault.InUse, e.Fault);
        Assert.Contains("tpmdriver=/dev/tpm0", e.Message, StringComparison.Ordinal);
        Assert.Contains("echo 00:05 > /sys/bus/pnp/drivers/tpm_tis/unbind", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xFED4_0800, 0)]
    [InlineData(-0x1000, 0)]
    [InlineData(long.MaxValue & ~0xFFF, 0)]
    [InlineData(0xFED4_0000, -1)]
    [InlineData(0xFED4_0000, 5)]
    public void Open_WhereNoPageCanBe_IsRefused(long address, int locality)
    {
        var options = new TisOptions { Address = address, Locality = locality };
        Assert.Throws<ArgumentException>(() => TisConnection.Open(options));
        Assert.Throws<ArgumentException>(() => TisConnection.Open(new TisDevice(new SteppingTime()).Page(0), options));
    }

    [Fact]
    public void Mapping_GoesAroundCaches()
    {
        const int synchronous = 0x101000;
        using var file = MappedRegisters.OpenMemory(Memory);
        string line =
            File.ReadLines($"/proc/self/fdinfo/{file.DangerousGetHandle()}").Single(line => line.StartsWith("flags:", StringComparison.Ordinal));
        Assert.Equal(synchronous, Convert.ToInt32(line["flags:".Length..].Trim(), 8) & synchronous);
    }
}
