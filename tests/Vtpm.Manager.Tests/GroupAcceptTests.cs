using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Groups whose freshness is unproven, and vTPMs whose kernel is taken off the list under them.</summary>
public sealed class GroupAcceptTests : IDisposable
{
    private const uint Debug = 1u << 16;   // a register that nothing else depends on
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");
    private static readonly Lazy<RSAParameters> Authority = new(() => RSA.Create(2048).ExportParameters(includePrivateParameters: true));
    private readonly ManagerRig _rig = new(HardwareKind.Engine);
    private readonly RSA _authority = RSA.Create(Authority.Value);

    public void Dispose()
    {
        _authority.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public void Group_ThatMayBeAnOlderOne_IsMarkedUntilItIsAccepted()
    {
        Manage(manager =>
        {
            manager.NewGroup(AuthorityModulus.Of(_authority));
            manager.UpdateGroup(1, Signed(1, ManagerLink.Hash(VtpmLabel.AnyOnSocket)));
        });
        using (var hardware = new TpmClient(_rig.Hardware.Connect())) hardware.Extend(16, TpmDigest.AllOnes);
        _rig.Restart();
        Assert.Equal(TpmResult.AuthFail, Refusal(manager => manager.AcceptGroup(1)));   // closed: nobody can write it
        Manage(manager =>
        {
            manager.RotateManager();
            manager.RotateManager();
        });
        _rig.Hardware.PowerCycle();
        _rig.Restart();

        Manage(manager => Assert.True(manager.GroupInfo(1).State.HasFlag(VtpmGroupStates.RollbackDetected)));
        Manage(manager => manager.AcceptGroup(1));
        _rig.Restart();
        Manage(manager => Assert.False(manager.GroupInfo(1).State.HasFlag(VtpmGroupStates.RollbackDetected)));
        Assert.Equal(TpmResult.Fail, Refusal(manager => manager.AcceptGroup(1)));
    }

    [Fact]
    public void Accept_OfNoGroup_IsABadIndex() => Assert.Equal(TpmResult.BadIndex, Refusal(manager => manager.AcceptGroup(7)));

    [Fact]
    public void Vtpm_WhoseKernelIsTakenOffTheList_StaysConnectedAndIsNamed()
    {
        using RSA own = RSA.Create();
        own.ImportFromPem(File.ReadAllText(_rig.KeyPath));
        using VtpmManagerClient vtpm = _rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        Manage(manager => manager.UpdateGroup(0, SignedConfiguration.Create(own, ulong.MaxValue - 1, [Platform()], [ManagerLink.Hash(VtpmLabel.AnyOnSocket)])));
        Assert.DoesNotContain(_rig.Log, IsWarning);

        Manage(manager => manager.UpdateGroup(0, SignedConfiguration.Create(own, ulong.MaxValue, [Platform()], [ManagerLink.Hash("another")])));
        Assert.Single(_rig.Log, IsWarning);
        vtpm.SaveHashKey(new byte[52]);
        vtpm.Dispose();
        using VtpmManagerClient again = _rig.Vtpm(Uuid);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => again.LoadHashKey(new byte[64])).Result);
    }

    private static bool IsWarning(string line) =>
        line.StartsWith("WARN", StringComparison.Ordinal) && line.Contains("connected, and not admitted again", StringComparison.Ordinal)
            && line.Contains($"{Uuid}", StringComparison.Ordinal);

    private PlatformConfiguration Platform() => new(Debug, _rig.Manager.Service.Hardware.ReadComposite(Debug));

    private byte[] Signed(ulong sequence, TpmDigest kernel) => SignedConfiguration.Create(_authority, sequence, [Platform()], [kernel]);

    private void Manage(Action<VtpmManagement> action)
    {
        using var manager = new VtpmManagement(_rig.Connect(ManagerLink.ToAdministrator()));
        action(manager);
    }

    private TpmResult Refusal(Action<VtpmManagement> action)
    {
        using var manager = new VtpmManagement(_rig.Connect(ManagerLink.ToAdministrator()));
        return Assert.Throws<VtpmManagerException>(() => action(manager)).Result;
    }
}
