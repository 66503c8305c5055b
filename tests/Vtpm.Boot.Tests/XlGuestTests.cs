using System.Text;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class XlGuestTests
{
    private const string Uuid = "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10";

    [Theory]
    [InlineData("", "")]
    [InlineData("root='/dev/xvda1'", "root=/dev/xvda1")]
    [InlineData("extra='quiet'", "quiet")]
    [InlineData("root='/dev/xvda1'\nextra='ro quiet'", "root=/dev/xvda1 ro quiet")]
    [InlineData("root='/dev/xvda1'\nextra=''", "root=/dev/xvda1 ")]
    [InlineData("cmdline='a b'", "a b")]
    [InlineData("cmdline='a b'\nroot='/dev/xvda1'\nextra='quiet'", "a b")]
    [InlineData("cmdline=''\nextra='quiet'", "")]
    public void CommandLine_IsFormedAsXlDoes(string lines, string commandLine) =>
        Assert.Equal(commandLine, Encoding.Latin1.GetString(Guest($"kernel='k'\n{lines}").CommandLine.Span));

    [Fact]
    public void Files_OfAConfiguration_AreFound()
    {
        XlGuest guest = Guest("kernel='/boot/vmlinuz'\nramdisk='/boot/initrd.img'\ntype='pvh'");
        Assert.Equal("/boot/vmlinuz", guest.Kernel);
        Assert.Equal("/boot/initrd.img", guest.Ramdisk);
        Assert.Empty(guest.Vtpms);
        Assert.Null(Guest("kernel='k'\nramdisk=''").Ramdisk);
    }

    [Fact]
    public void Vtpms_OfAConfiguration_AreFound()
    {
        XlGuest guest = Guest($"kernel='k'\nvtpm=['backend=0,uuid={Uuid}', 'uuid={Uuid}, backend=tpm-domain', 'backend=Domain-0',\n'backend=0,uuid={Guid.Empty}']");
        Assert.Equal([new("0", Guid.Parse(Uuid)), new("tpm-domain", Guid.Parse(Uuid)), new("Domain-0", null), new("0", null)], guest.Vtpms);
        Assert.Equal([true, false, true, true], guest.Vtpms.Select(vtpm => vtpm.IsInDom0));
    }

    [Theory]
    [InlineData("bootloader='pygrub'", "vtpm-bootloader")]
    [InlineData("kernel='k'\nbootloader='pygrub'", "vtpm-bootloader")]
    [InlineData("memory=1", "neither kernel= nor bootloader=")]
    [InlineData("type='hvm'", "firmware")]
    [InlineData("builder='hvm'", "firmware")]
    [InlineData("type='arm'\nkernel='k'", "none of pv, pvh and hvm")]
    [InlineData("kernel='k'\nvtpm=['uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10']", "lacks backend=")]
    [InlineData("kernel='k'\nvtpm=['backend=0,uuid=7']", "7 is not a uuid")]
    [InlineData("kernel='k'\nvtpm=['backend=0,level=7']", "'level=7' is neither")]
    public void Configuration_ThatCannotBeMeasured_SaysWhatToDo(string file, string says) =>
        Assert.Contains(says, Assert.Throws<BootException>(() => Guest(file)).Message, StringComparison.Ordinal);

    [Fact]
    public void Configuration_OfAnHvmGuestWithAKernel_NeedsNoBootLoader() =>
        Assert.Equal("k", Guest("type='hvm'\nkernel='k'\nbootloader='ignored by xl'").Kernel);

    [Theory]
    [InlineData("pv", 1023)]
    [InlineData("pvh", 2047)]
    public void CommandLine_ThatTheGuestWouldNotGetWhole_IsRefused(string type, int longest)
    {
        Assert.Equal(longest, Guest($"kernel='k'\ntype='{type}'\nextra='{new string('a', longest)}'").CommandLine.Length);
        Assert.Throws<BootException>(() => Guest($"kernel='k'\ntype='{type}'\nextra='{new string('a', longest + 1)}'"));
    }

    private static XlGuest Guest(string file) => XlGuest.From(XlConfigurationTests.Parse(file));
}
