using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;
using static Vtpm.Manager.Tests.Support.ServingPlace;

namespace Vtpm.Manager.Tests;

/// <summary>The manager's real sockets, and who is who on them.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ServerTests : IDisposable
{
    private const uint Nobody = 65534;
    private readonly ServingPlace _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void Vtpms_EachOnItsSocket_AreWhoTheirSocketSays()
    {
        using (RunningManager manager = Start(Options()))
        {
            using VtpmManagerClient first = Connect(First);
            using VtpmManagerClient second = Connect(Second);
            first.SaveHashKey(Key(1));
            second.SaveHashKey(Key(2));
            using VtpmManagerClient administrator = new(TpmConnection.Open(Admin));
            Assert.Equal([First, Second], administrator.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, default).Uuids);
            Assert.Equal(TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => administrator.SaveHashKey(Key(3))).Result);
        }

        Assert.Contains("INFO[VTPM]: Waiting for commands from vTPM's:", _place.Log);
        using (RunningManager manager = Start(Options()))
        {
            using VtpmManagerClient second = Connect(Second);
            byte[] key = new byte[64];
            Assert.Equal(52, second.LoadHashKey(key));
            Assert.Equal(Key(2), key[..52]);
        }
    }

    [Fact]
    public void Vtpm_ThatComesAgain_IsLetInOnceItsConnectionIsClosed()
    {
        using RunningManager manager = Start(Options());
        VtpmManagerClient first = Connect(First);
        first.SaveHashKey(Key(1));
        using (VtpmManagerClient twin = Connect(First)) Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => twin.LoadHashKey(new byte[64])).Result);
        first.Dispose();
        using VtpmManagerClient again = Connect(First);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void Sockets_AreForTheManagersUserAlone()
    {
        using RunningManager manager = Start(Options());
        foreach (TpmAddress address in (TpmAddress[])[Socket(First), Socket(Second), Admin])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(address.Name));
    }

    [Fact]
    public void Socket_OfANamedUser_LetsInThatUserAndRootAlone()
    {
        // The tests run as root, who may go anywhere; so others are sent.
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1ED);
        ManagerOptions options = Options();
        using RunningManager manager = Start(options with
        {
            Vtpms = [new VtpmListener(First, Socket(First)) { User = Nobody }, new VtpmListener(Second, Socket(Second)) { User = Nobody - 1 }],
        });
        Assert.True(Answers(First, Nobody));
        Assert.False(Answers(Second, Nobody));
        using VtpmManagerClient root = Connect(Second);
        root.SaveHashKey(Key(2));
        Assert.Contains(_place.Log, line => line.Contains($"only user {Nobody - 1} is vTPM {Second}", StringComparison.Ordinal));
    }

    [Fact]
    public void Start_WithATcpAddress_SaysWhatToWrite() =>
        Assert.Contains("unix:PATH", Refusal(Options() with { Vtpms = [new VtpmListener(First, TpmAddress.Parse("tcp:127.0.0.1:0"))] }), StringComparison.Ordinal);

    [Fact]
    public void Start_WithOneSocketForTwoVtpms_Refuses() =>
        Assert.Contains("one socket is for one vTPM", Refusal(Options() with { Vtpms = [new VtpmListener(First, Socket(First)), new VtpmListener(Second, Socket(First))] }), StringComparison.Ordinal);

    [Fact]
    public void Start_WithTwoSocketsForOneVtpm_Refuses() =>
        Assert.Contains("two sockets", Refusal(Options() with { Vtpms = [new VtpmListener(First, Socket(First)), new VtpmListener(First, Socket(Second))] }), StringComparison.Ordinal);

    [Fact]
    public void Start_WhereAnotherManagerRuns_RefusesAndLeavesItRunning()
    {
        using RunningManager manager = Start(Options());
        Assert.Equal(StorageFault.InUse, Assert.Throws<StorageException>(() => VtpmManager.Start(Options())).Fault);
        using VtpmManagerClient first = Connect(First);
        first.SaveHashKey(Key(1));
    }

    [Fact]
    public void Run_WithoutListeners_IsTheCallersFault()
    {
        using VtpmManager manager = VtpmManager.Start(Options() with { Vtpms = [], Admin = null });
        Assert.Throws<InvalidOperationException>(() => manager.Run(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Vtpm_Measured_IsAdmittedByItsExecutableAlone()
    {
        byte[] self = SHA1.HashData(File.ReadAllBytes("/proc/self/exe"));
        using RunningManager manager = Start(Options() with { MeasurePeers = true });
        using VtpmManagerClient administrator = new(TpmConnection.Open(Admin));
        using (VtpmManagerClient first = Connect(First)) first.SaveHashKey(Key(1));
        VtpmShowResponse shown = administrator.Manage<VtpmUuid, VtpmShowResponse>(VtpmManagerOrdinal.VtpmShow, new VtpmUuid { Uuid = First });
        Assert.Equal(self, shown.ExecutableHash.ReadOnlySpan.ToArray());
        Assert.Equal(ManagerLink.Hash(VtpmLabel.AnyOnSocket), shown.KernelHash);

        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(_place.KeyPath));
        VtpmPlatform platform = administrator.Manage<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(VtpmManagerOrdinal.GroupInfo, default).Platforms[0];
        Assert.True(PcrList.TryFromSelection(platform.PcrSelection, out uint mask));
        Approve(3, ManagerLink.Hash("vtpm 0.9"));
        using (VtpmManagerClient first = Connect(First)) Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => first.LoadHashKey(new byte[64])).Result);
        Approve(4, new TpmDigest(self));
        using VtpmManagerClient again = Connect(First);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
        Assert.Equal(self, again.GetBootHash().ReadOnlySpan.ToArray());

        void Approve(ulong sequence, TpmDigest kernel) => administrator.Manage(
            VtpmManagerOrdinal.GroupUpdate,
            [0, 0, 0, 0, .. SignedConfiguration.Create(key, (ulong.MaxValue >> 1) + sequence, [new PlatformConfiguration(mask, platform.Composite)], [kernel])]);
    }

    private TpmAddress Admin => _place.Admin;

    private TpmAddress Socket(Guid uuid) => _place.Socket($"{uuid}");

    private VtpmManagerClient Connect(Guid uuid) => new(TpmConnection.Open(Socket(uuid)));

    private ManagerOptions Options() =>
        _place.Options with { Vtpms = [new VtpmListener(First, Socket(First)), new VtpmListener(Second, Socket(Second))], Admin = Admin };

    private static string Refusal(ManagerOptions options) => Assert.Throws<ManagerException>(() => VtpmManager.Start(options)).Message;

    /// <summary>Whether a process of that user gets an answer to TPM_PCRRead.</summary>
    private bool Answers(Guid uuid, uint user)
    {
        const string script = """
            use IO::Socket::UNIX;
            my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 2;
            $socket->syswrite(pack("H*", "00c10000000e0000001500000000"));
            exit(($socket->sysread(my $answer, 4096) // 0) > 0 ? 0 : 1);
            """;
        using Process process = Process.Start("setpriv", ["--reuid", $"{user}", "--clear-groups", "perl", "-e", script, Socket(uuid).Name]);
        process.WaitForExit();
        Assert.InRange(process.ExitCode, 0, 1);
        return process.ExitCode == 0;
    }

    private RunningManager Start(ManagerOptions options) => _place.Start(options);
}
