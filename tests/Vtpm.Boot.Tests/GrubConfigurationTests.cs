using System.Text;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class GrubConfigurationTests
{
    /// <summary>What update-grub writes, shortened.</summary>
    private const string Debian = """
        if [ -s $prefix/grubenv ]; then
          set have_grubenv=true
          load_env
        fi
        if [ "${next_entry}" ] ; then
           set default="${next_entry}"
        else
           set default="DEFAULT"
        fi
        if [ x"${feature_menuentry_id}" = xy ]; then
          menuentry_id_option="--id"
        else
          menuentry_id_option=""
        fi
        function gfxmode {
          set gfxpayload="${1}"
        }
        set linux_gfx_mode=keep
        menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-1234' {
          load_video
          if [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
          set root='hd0,msdos1'
          if [ x$feature_platform_search_hint = xy ]; then
            search --no-floppy --fs-uuid --set=root 1234
          fi
          echo  'Loading Linux ...'
          linux /boot/vmlinuz-6.1 root=UUID=1234 ro  "a b" $unknown gfx=${linux_gfx_mode}
          initrd  /boot/initrd.img-6.1 \
            /boot/more.img
        }
        submenu 'Advanced options' $menuentry_id_option 'advanced' {
          menuentry 'with 6.1' --class debian $menuentry_id_option 'adv-6.1' {
            linux /boot/vmlinuz-6.1 root=UUID=1234 ro
            initrd /boot/initrd.img-6.1
          }
          menuentry 'with 5.10' --class debian $menuentry_id_option 'adv-5.10' {
            linux /boot/vmlinuz-5.10 root=UUID=1234 ro
          }
        }
        menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
          fwsetup
        }
        """;

    /// <summary>GRUB would start nothing either, and nothing else is started in its place.</summary>
    [Fact]
    public void Choose_AKernelThatStandsForNothing_IsRefused()
    {
        GrubConfiguration menu = GrubConfiguration.Parse("menuentry a {\nlinux $kernel ro\n}\nmenuentry b {\nlinux /b\n}\n"u8, []);
        Assert.Contains("'a' of the guest's GRUB menu does not say which kernel", Assert.Throws<BootException>(() => menu.Choose()).Message, StringComparison.Ordinal);
        Assert.Equal("/b", menu.Choose("b")!.Kernel);
    }

    [Fact]
    public void Choose_OfDebiansMenu_IsItsFirstEntry()
    {
        BootEntry entry = Parse(Debian.Replace("DEFAULT", "0", StringComparison.Ordinal)).Choose()!;
        Assert.Equal("Debian GNU/Linux", entry.Title);
        Assert.Equal("/boot/vmlinuz-6.1", entry.Kernel);
        Assert.Equal(["/boot/initrd.img-6.1", "/boot/more.img"], entry.Initrds);
        Assert.Equal("root=UUID=1234 ro a b  gfx=keep", entry.Arguments);
    }

    [Theory]
    [InlineData("1>1", "/boot/vmlinuz-5.10")]
    [InlineData("advanced>adv-5.10", "/boot/vmlinuz-5.10")]
    [InlineData("Advanced options>with 5.10", "/boot/vmlinuz-5.10")]
    [InlineData("1", "/boot/vmlinuz-6.1")]
    [InlineData("gnulinux-simple-1234", "/boot/vmlinuz-6.1")]
    public void Choose_ByTheConfigurationsDefault_FollowsIt(string choice, string kernel)
    {
        Assert.Equal(kernel, Parse(Debian.Replace("DEFAULT", choice, StringComparison.Ordinal)).Choose()!.Kernel);
        Assert.Equal(kernel, Parse(Debian).Choose(choice)!.Kernel);
        string environment = $"# GRUB Environment Block\nsaved_entry={choice}\n######";
        Assert.Equal(kernel, Parse(Debian.Replace("DEFAULT", "${saved_entry}", StringComparison.Ordinal), environment).Choose()!.Kernel);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("no such")]
    [InlineData("uefi-firmware")]
    public void Choose_ByWhatIsNotThere_FallsBackOrIsRefused(string choice)
    {
        Assert.Equal("/boot/vmlinuz-6.1", Parse(Debian.Replace("DEFAULT", choice, StringComparison.Ordinal)).Choose()!.Kernel);
        Assert.Throws<BootException>(() => Parse(Debian).Choose(choice));
    }

    [Theory]
    [InlineData("")]
    [InlineData("set timeout=5\nblscfg\n")]
    [InlineData("menuentry 'x' {\n}\n}\n}\nlinux\n")]
    public void Choose_OfAMenuThatStartsNothing_IsNothing(string text) => Assert.Null(Parse(text).Choose());

    [Theory]
    [InlineData("menuentry x {\n")]
    [InlineData("set a=\"$a$a\"x\n")]
    [InlineData("}\n")]
    [InlineData("f {\n")]
    [InlineData("'")]
    [InlineData("\\")]
    [InlineData("${")]
    public void Parse_OfAMillionBytesOfAnything_Ends(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, GrubConfiguration.LongestFile / piece.Length));
        if (Record.Exception(() => Parse(text).Choose()) is { } exception) Assert.IsType<BootException>(exception);
    }

    [Theory]
    [InlineData("set b#=$a\n")]
    [InlineData("menuentry #$a {\nlinux $a\n}\n")]
    public void Parse_OfManyCopiesOfALongVariable_IsRefused(string line)
    {
        var text = new StringBuilder("set a=").Append('x', 60_000).Append('\n');
        for (int i = 0; i < 4000; i++) text.Append(line.Replace("#", $"{i}", StringComparison.Ordinal));
        Assert.Throws<BootException>(() => Parse(text.ToString()));
        string entry = "linux /k\n" + string.Concat(Enumerable.Repeat("options $a\n", 4000));
        var variables = new Dictionary<string, string> { ["a"] = new('x', 60_000) };
        Assert.Throws<BootException>(() => BootLoaderSpecification.Parse(Encoding.Latin1.GetBytes(entry), variables));
    }

    [Fact]
    public void Choose_OfWhatIsNotThere_CommandsNoTerminal()
    {
        var refusal = Assert.Throws<BootException>(() => Parse(Debian).Choose("\u001b[2J\n"));
        Assert.DoesNotContain(refusal.Message, char.IsControl);
    }

    private static GrubConfiguration Parse(string text, string environment = "") =>
        GrubConfiguration.Parse(Encoding.Latin1.GetBytes(text), Encoding.Latin1.GetBytes(environment));
}
