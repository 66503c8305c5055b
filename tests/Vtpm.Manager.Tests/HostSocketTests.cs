using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;
using static Vtpm.Manager.Tests.Support.ServingPlace;

namespace Vtpm.Manager.Tests;

/// <summary>The one socket of a backend domain: each connection is for the vTPM that it was introduced as.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class HostSocketTests : IDisposable
{
    private const string Label = "system_u:system_r:domU_t";
    private readonly ServingPlace _place = new();

    public void Dispose() => _place.Dispose();

    private TpmAddress Host => _place.Socket("host");

    private TpmAddress Admin => _place.Admin;

    private TpmAddress Own => _place.Socket("own");

    [Fact]
    public void Connections_AreOfTheVtpmsThatTheyWereIntroducedAs()
    {
        using RunningManager manager = Start();
        using VtpmManagerClient first = Introduced(First);
        using VtpmManagerClient second = Introduced(Second);
        first.SaveHashKey(Key(1));
        second.SaveHashKey(Key(2));

        byte[] key = new byte[VtpmHashKey.MaxSize];
        Assert.Equal(52, first.LoadHashKey(key));
        Assert.Equal(Key(1), key[..52]);
        Assert.Equal(ManagerLink.Hash(VtpmLabel.AnyOfHost), first.GetBootHash());
        using VtpmManagerClient administrator = new(TpmConnection.Open(Admin));
        Assert.Equal([First, Second], administrator.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, default).Uuids);
    }

    [Fact]
    public void Connection_IsStillThatVtpms_InOtherHands()
    {
        using RunningManager manager = Start();
        using Socket socket = Connected();
        using (ITpmConnection services = TpmConnection.Over(socket)) VtpmManagerClient.Introduce(services, First);
        using var handedOn = new Socket(new SafeSocketHandle(socket.Handle, ownsHandle: false));
        using VtpmManagerClient vtpm = new(TpmConnection.Over(handedOn));
        vtpm.SaveHashKey(Key(1));

        Assert.NotNull(manager.Manager.Service.Image.FindVtpm(First));
    }

    [Fact]
    public void Introduction_ThatIsTheSecond_IsNoCommandOfAVtpm_AndChangesNothing()
    {
        using RunningManager manager = Start();
        using ITpmConnection connection = TpmConnection.Open(Host);
        VtpmManagerClient.Introduce(connection, First);
        Assert.Equal(TpmResult.BadOrdinal, Assert.Throws<VtpmManagerException>(() => VtpmManagerClient.Introduce(connection, Second)).Result);
        using VtpmManagerClient vtpm = new(connection);
        vtpm.SaveHashKey(Key(1));

        Assert.NotNull(manager.Manager.Service.Image.FindVtpm(First));
        Assert.Null(manager.Manager.Service.Image.FindVtpm(Second));
    }

    [Fact]
    public void Introduction_OnTheSocketOfAVtpm_IsNoCommand()
    {
        using RunningManager manager = Start();
        using ITpmConnection connection = TpmConnection.Open(Own);
        Assert.Equal(TpmResult.BadOrdinal, Assert.Throws<VtpmManagerException>(() => VtpmManagerClient.Introduce(connection, Second)).Result);
    }

    [Fact]
    public void WhateverComesBeforeTheIntroduction_IsRefused()
    {
        using RunningManager manager = Start();
        using ITpmConnection connection = TpmConnection.Open(Host);
        using VtpmManagerClient nobody = new(connection);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => nobody.SaveHashKey(Key(1))).Result);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => nobody.GetBootHash()).Result);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => nobody.Manage(VtpmManagerOrdinal.GroupList, [])).Result);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<TpmCommandException>(() => nobody.Hardware.PcrRead(0)).Result);

        VtpmManagerClient.Introduce(connection, First);
        nobody.SaveHashKey(Key(1));
    }

    [Fact]
    public void Introduced_ManagesNothing()
    {
        using RunningManager manager = Start();
        using VtpmManagerClient first = Introduced(First);
        first.SaveHashKey(Key(1));
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => first.Manage(VtpmManagerOrdinal.GroupList, [])).Result);
    }

    [Fact]
    public void Label_DecidesWhetherTheGroupAdmitsIt()
    {
        using RunningManager manager = Start(new ProvisioningOptions { KeyPath = KeyPath, Labels = [Label, "*:system_r:other_t"] });
        using (VtpmManagerClient unlabelled = Introduced(First))
            Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => unlabelled.SaveHashKey(Key(1))).Result);
        using (VtpmManagerClient stranger = Introduced(First, "system_u:system_r:stranger_t"))
            Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => stranger.SaveHashKey(Key(1))).Result);
        using (VtpmManagerClient labelled = Introduced(First, Label))
        {
            labelled.SaveHashKey(Key(1));
            Assert.Equal(ManagerLink.Hash(Label), labelled.GetBootHash());
        }

        using VtpmManagerClient other = Introduced(Second, "other_u:system_r:other_t");
        other.SaveHashKey(Key(2));
        Assert.Equal(ManagerLink.Hash("*:system_r:other_t"), other.GetBootHash());
    }

    [Theory]
    [InlineData("11111111-2222-3333-4444-555555555555:vtpm:socket", TpmResult.AuthFail)]
    [InlineData("x:vtpm:host", TpmResult.AuthFail)]
    [InlineData("*:vtpm:xen", TpmResult.AuthFail)]
    [InlineData("a:b:c\nERROR[VTPM]: all is lost", TpmResult.BadParameter)]
    [InlineData("system_u:system_r:dömU_t", TpmResult.BadParameter)]
    public void Label_ThatIsTheManagersOwn_OrNone_IsRefused(string label, TpmResult result)
    {
        using RunningManager manager = Start();
        using ITpmConnection connection = TpmConnection.Open(Host);
        Assert.Equal(result, Assert.Throws<VtpmManagerException>(() => VtpmManagerClient.Introduce(connection, First, label)).Result);
        Assert.DoesNotContain(_place.Log, line => line.Contains("all is lost", StringComparison.Ordinal));
    }

    [Fact]
    public void Label_IsNotOfAnyLength()
    {
        using RunningManager manager = Start();
        using ITpmConnection connection = TpmConnection.Open(Host);
        Assert.Equal(
            TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => VtpmManagerClient.Introduce(connection, First, new string('a', 1025))).Result);
        VtpmManagerClient.Introduce(connection, First, new string('a', 1024));
    }

    [Fact]
    public void Introduction_CutShort_OrWithMore_IsRefused()
    {
        using RunningManager manager = Start();
        byte[] whole = [.. WireFormat.ToBytes(new VtpmIntroduceRequest { Uuid = First, Label = Encoding.ASCII.GetBytes(Label) }), 0];
        byte[] response = new byte[TpmMessage.MaxLength];
        using ITpmConnection connection = TpmConnection.Open(Host);
        for (int length = 0; length <= whole.Length; length++)
        {
            if (length == whole.Length - 1) continue;
            var header = new TpmHeader { Tag = TpmTag.VtpmReq, ParamSize = (uint)(TpmHeader.Size + length), Code = (uint)VtpmManagerOrdinal.Introduce };
            connection.Transmit([.. WireFormat.ToBytes(header), .. whole[..length]], response);
            Assert.Equal(TpmResult.BadParameter, TpmMessage.ReadResult(response));
        }
    }

    [Fact]
    public void Vtpm_TakesNoMoreConnectionsThanItNeeds()
    {
        using RunningManager manager = Start();
        List<VtpmManagerClient> hoard = [.. Enumerable.Range(0, 4).Select(_ => Introduced(First))];
        using (ITpmConnection more = TpmConnection.Open(Host))
            Assert.Equal(TpmResult.Resources, Assert.Throws<VtpmManagerException>(() => VtpmManagerClient.Introduce(more, First)).Result);
        using (VtpmManagerClient second = Introduced(Second)) second.SaveHashKey(Key(2));

        hoard[0].Dispose();
        using (VtpmManagerClient again = Introduced(First)) again.SaveHashKey(Key(1));
        hoard.ForEach(client => client.Dispose());
    }

    [Fact]
    public void Measured_IsWhoConnected()
    {
        using RunningManager manager = Start(with: options => options with { MeasurePeers = true });
        using VtpmManagerClient first = Introduced(First);
        first.SaveHashKey(Key(1));

        byte[] self = SHA1.HashData(File.ReadAllBytes("/proc/self/exe"));
        Assert.Equal(self, manager.Manager.Service.LastLink(First)!.ExecutableHash!.Value.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void Socket_IsForTheManagersUserAlone()
    {
        using RunningManager manager = Start();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Host.Name));
    }

    private string KeyPath => _place.KeyPath;

    private Socket Connected()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Host.Name));
        return socket;
    }

    private VtpmManagerClient Introduced(Guid uuid, string? label = null)
    {
        ITpmConnection connection = TpmConnection.Open(Host);
        VtpmManagerClient.Introduce(connection, uuid, label);
        return new VtpmManagerClient(connection);
    }

    private RunningManager Start(ProvisioningOptions? provisioning = null, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        ManagerOptions options = _place.Options with { Vtpms = [new VtpmListener(Guid.NewGuid(), Own)], Host = Host, Admin = Admin };
        return _place.Start(with?.Invoke(options) ?? options, provisioning);
    }
}
