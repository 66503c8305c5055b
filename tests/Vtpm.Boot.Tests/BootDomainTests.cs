using System.Text;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class BootDomainTests
{
    private const string Menu = "menuentry 'Debian' {\n linux /boot/vmlinuz root=/dev/xvda1 ro\n initrd /boot/initrd.img\n}\n";

    private readonly Starter _starter = new();
    private readonly List<string> _log = [];
    private readonly List<string> _extended = [];
    private bool _isClosed;

    [Fact]
    public void Boot_OfADisk_MeasuresWhatItStarts()
    {
        Boot("system_u:system_r:vtpm_t");
        Assert.Equal(("the kernel", "the initrd", "root=/dev/xvda1 ro"), _starter.Started);
        Assert.Equal([$"4:{Sha1("the kernel")}", $"5:{Sha1("root=/dev/xvda1 ro")}", $"5:{Sha1("the initrd")}"], _extended);
        // The kernel that starts has to find the device closed.
        Assert.True(_isClosed);
    }

    [Theory]
    [InlineData("system_u:system_r:vtpm_t")]
    [InlineData("*:vtpm_t")]
    [InlineData("*")]
    public void Boot_WithTheVtpmOfThatLabel_Starts(string label)
    {
        Boot("system_u:system_r:vtpm_t", $"vtpm-label={label}");
        Assert.NotNull(_starter.Started);
        Assert.Equal(3, _extended.Count);
    }

    [Theory]
    [InlineData("system_u:system_r:vtpm_t", "*:domU_t", "has the label system_u:system_r:vtpm_t")]
    [InlineData("system_u:system_r:vtpm_t", "vtpm_t", "has the label")]
    [InlineData("system_u:system_r:vtpm_t", "system_u:system_r:vtpm_t2", "has the label")]
    [InlineData(null, "*", "tells no label")]
    public void Boot_WithTheVtpmOfAnotherLabel_DoesNotStart(string? has, string wanted, string says)
    {
        BootException exception = Assert.Throws<BootException>(() => Boot(has, $"vtpm-label={wanted}"));
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
        Assert.Null(_starter.Started);
        Assert.Empty(_extended);
        Assert.True(_isClosed);
    }

    [Fact]
    public void Boot_WithoutAVtpm_StartsOnlyWhereNoneIsAskedFor()
    {
        static BootTpm None() => throw new TpmTransportException(TpmTransportFault.Unavailable, "this domain has no such device");
        Assert.Throws<TpmTransportException>(() => Boot(None, "vtpm-label=*"));
        Assert.Null(_starter.Started);
        Boot(None);
        Assert.NotNull(_starter.Started);
        Assert.Contains(_log, line => line.Contains("not measured: this domain has no such device", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Boot_WithAVtpmThatRefuses_DoesNotStart(int succeeds)
    {
        Assert.Throws<TpmCommandException>(() => Boot(() => Tpm(null, succeeds)));
        Assert.Null(_starter.Started);
        Assert.True(_isClosed);
    }

    [Fact]
    public void Boot_OfADiskThatChangesAfterwards_StartsWhatWasMeasured()
    {
        using DiskImage image = Disk();
        _starter.WhenLoaded = () => File.WriteAllBytes(image.File, new byte[100]);
        Boot(image, () => Tpm(null, succeeds: 3));
        Assert.Equal("the kernel", _starter.Started?.Kernel);
        Assert.Equal($"4:{Sha1("the kernel")}", _extended[0]);
    }

    [Fact]
    public void Arguments_SayWhatToStart()
    {
        BootDomainArguments arguments = BootDomainArguments.Parse(
            ["boot-disk=xvdb", "boot-partition=2", "boot-kernel=/k", "boot-initrd=/i", "boot-args=ro quiet", "boot-root=/dev/xvdb2", "vtpm-label=*:vtpm_t"]);
        Assert.Equal("/dev/xvdb", arguments.Disk);
        Assert.Equal(new BootChoice("/k", "/i", null, 2), arguments.Choice);
        Assert.Equal("root=/dev/xvdb2 ro quiet", arguments.Arguments);
        Assert.Equal("*:vtpm_t", arguments.Label?.Text);
        Assert.Equal(new BootDomainArguments(), BootDomainArguments.Parse([]));
    }

    [Theory]
    [InlineData("/dev/xvda")]
    [InlineData("/dev/xvda", "boot", "boot-entri=1", "boot-disk=")]
    [InlineData("/dev/xvdb", "boot", "boot-disk=xvdb")]
    [InlineData("/dev/mapper/x", "boot-disk=xvdb", "boot-disk=/dev/mapper/x", "boot-entry=1")]
    public void Arguments_SayWhichDiskIsWaitedFor(string disk, params string[] words) => Assert.Equal(disk, BootDomainArguments.DiskOf(words));

    [Theory]
    [InlineData("boot-entri=1")]
    [InlineData("boot-partition=one")]
    [InlineData("boot-kernel=")]
    [InlineData("boot-kernel")]
    [InlineData("vtpm-label=")]
    [InlineData("boot-initrd=/i")]
    public void Arguments_ThatAreMistaken_AreRefused(string word)
    {
        Assert.True(BootDomainArguments.IsArgument(word));
        Assert.Throws<BootException>(() => BootDomainArguments.Parse([word]));
    }

    [Theory]
    [InlineData("console=hvc0")]
    [InlineData("root=/dev/xvda1")]
    [InlineData("quiet")]
    public void Arguments_OfTheKernel_AreLeftToIt(string word) => Assert.False(BootDomainArguments.IsArgument(word));

    private static DiskImage Disk() =>
        new DiskImage().With("/boot/vmlinuz", "the kernel").With("/boot/initrd.img", "the initrd").With("/boot/grub/grub.cfg", Menu).Format("-t", "ext4");

    private void Boot(string? label, params string[] words) => Boot(() => Tpm(label, succeeds: 3), words);

    private void Boot(Func<BootTpm> openTpm, params string[] words)
    {
        using DiskImage image = Disk();
        Boot(image, openTpm, words);
    }

    private void Boot(DiskImage image, Func<BootTpm> openTpm, params string[] words) =>
        new BootDomain(_starter, openTpm, _log.Add).Boot(BootDomainArguments.Parse([$"boot-disk={image.File}", .. words]));

    private BootTpm Tpm(string? label, int succeeds) => new(new InMemoryTpm(
        (ClientInfo _, ReadOnlySpan<byte> request, Span<byte> response) =>
        {
            if (_extended.Count == succeeds) return TpmMessage.WriteFailure(request, TpmResult.Fail, response);
            _extended.Add($"{request[13]}:{Convert.ToHexStringLower(request[14..])}");
            byte[] answer = Convert.FromHexString("00c40000001e00000000" + new string('0', 40));
            answer.CopyTo(response);
            return answer.Length;
        },
        new TpmServerOptions { ClientClosed = _ => _isClosed = true }).Connect(), label);

    private static TpmDigest Sha1(string text) => TpmDigest.Of(Encoding.Latin1.GetBytes(text));

    /// <summary>Takes what it is given, as the kernel does, and starts nothing.</summary>
    private sealed class Starter : IKernelStarter
    {
        private (string Kernel, string Initrd, string CommandLine)? _loaded;

        public (string Kernel, string Initrd, string CommandLine)? Started { get; private set; }

        public Action WhenLoaded { get; set; } = () => { };

        public void Load(FileStream kernel, FileStream initrd, ReadOnlySpan<byte> commandLine)
        {
            _loaded = (Text(kernel), Text(initrd), Encoding.Latin1.GetString(commandLine));
            WhenLoaded();
        }

        public void Start() => Started = _loaded;

        private static string Text(FileStream file)
        {
            using var reader = new StreamReader(file, Encoding.Latin1);
            return reader.ReadToEnd();
        }
    }
}
