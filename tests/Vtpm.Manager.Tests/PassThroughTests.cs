using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>What reaches the hardware TPM, and what answers when nothing does.</summary>
public sealed class PassThroughTests : IDisposable
{
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private readonly ManagerRig _rig = new(HardwareKind.Engine);

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void GetRandomAndPcrRead_OfAnyVtpm_AreAnsweredByTheHardware()
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(First);
        Assert.Equal(16, vtpm.Hardware.GetRandom(16).Length);
        Assert.Equal(TpmDigest.AllOnes, vtpm.Hardware.PcrRead(17));
        Assert.Equal(TpmResult.BadIndex, Assert.Throws<TpmCommandException>(() => vtpm.Hardware.PcrRead(24)).Result);
    }

    [Fact]
    public void Extend_IsForAdministratorsAlone()
    {
        TpmDigest digest = TpmDigest.Of("x"u8);
        using VtpmManagerClient first = _rig.Vtpm(First);
        using VtpmManagerClient second = _rig.Vtpm(Guid.NewGuid());
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => first.Hardware.Extend(16, digest)).Result);
        first.SaveHashKey(new byte[52]);
        second.SaveHashKey(new byte[52]);
        Assert.Equal(first.Hardware.Extend(16, digest), second.Hardware.PcrRead(16));
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => second.Hardware.Extend(16, digest)).Result);
    }

    [Fact]
    public void EveryOtherCommand_IsDisabled()
    {
        ManagerLink administrator = ManagerLink.ToAdministrator();
        foreach (TpmOrdinal ordinal in Enum.GetValues<TpmOrdinal>())
        {
            if (ordinal is TpmOrdinal.GetRandom or TpmOrdinal.PcrRead or TpmOrdinal.Extend) continue;
            Assert.Equal(TpmResult.DisabledCmd, _rig.Send(administrator, TpmTag.RquCommand, (uint)ordinal));
        }
    }

    [Theory]
    [InlineData(TpmTag.RquAuth1Command)]
    [InlineData(TpmTag.RquAuth2Command)]
    public void PassedCommands_WithAuthorization_AreDisabled(TpmTag tag)
    {
        foreach (TpmOrdinal ordinal in (TpmOrdinal[])[TpmOrdinal.GetRandom, TpmOrdinal.PcrRead, TpmOrdinal.Extend])
            Assert.Equal(TpmResult.DisabledCmd, _rig.Send(ManagerLink.ToAdministrator(), tag, (uint)ordinal, new byte[60]));
    }

    [Theory]
    [InlineData(0x0000)]
    [InlineData(0x00C0)]
    [InlineData(0x00C4)]
    [InlineData(0x01C0)]
    [InlineData(0x01C3)]
    [InlineData(0xFFFF)]
    public void UnknownTag_IsBadTag(int tag) => Assert.Equal(TpmResult.BadTag, _rig.Send(ManagerLink.ToAdministrator(), (TpmTag)tag, 1));

    [Fact]
    public void UnknownOrdinal_OfVtpmOrAdministrator_IsBadOrdinal()
    {
        ManagerLink administrator = ManagerLink.ToAdministrator();
        foreach (uint ordinal in (uint[])[0, 5, 0x46, 0x8001, 0x02000101, 0xFFFFFFFF]) Assert.Equal(TpmResult.BadOrdinal, _rig.Send(administrator, TpmTag.VtpmReq, ordinal));
        foreach (uint ordinal in (uint[])[0, 1, 4, 0x02000100, 0x0200010B, 0x02000206, 0x02000307, 0x02008000, 0x02008106, 0xFFFFFFFF])
            Assert.Equal(TpmResult.BadOrdinal, _rig.Send(administrator, TpmTag.VtpmReq2, ordinal));
    }

    [Fact]
    public void LostHardware_IsAnIOErrorAndIsFoundAgain()
    {
        bool gone = false;
        ITpmConnection? inner = null;
        using var rig = new ManagerRig(HardwareKind.Engine, with: options => options with
        {
            Connect = address =>
            {
                if (gone) throw new TpmTransportException(TpmTransportFault.Unavailable, "no hardware");
                inner = options.Connect(address);
                return ScriptedConnection.Around(inner, (request, send) => gone ? throw new TpmTransportException(TpmTransportFault.Closed, "hardware gone") : send(request));
            },
        });
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        vtpm.SaveHashKey(new byte[52]);
        gone = true;
        for (int i = 0; i < 2; i++) Assert.Equal(TpmResult.IOError, Assert.Throws<TpmCommandException>(() => vtpm.Hardware.PcrRead(0)).Result);
        vtpm.SaveHashKey(new byte[52]);   // Keys are kept without it: they are sealed already.
        gone = false;
        ((EngineHardware)rig.Hardware).Tpm.PowerCycle(startup: null);
        Assert.Equal(default, vtpm.Hardware.PcrRead(0));
    }
}
