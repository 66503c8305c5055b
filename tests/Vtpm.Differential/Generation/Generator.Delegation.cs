using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Delegation.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> DelegationScenes() =>
        [(3, CreateFamily), (4, DelegateOwner), (4, DelegateKey), (2, ManageFamily), (3, UseRow), (2, UpdateDelegation), (1, ReadDelegations)];

    private void CreateFamily()
    {
        if (_world.Families.Count >= 4) return;
        int family = _world.NewNumber();
        Lead(Delegation.CreateFamily((byte)_random.Next(256), family, _world.IsOwned ? Oiap(_world.OwnerAuth) : null));
        _world.Families.Add(family);
        if (Chance(90)) Lead(Delegation.Manage(family, TpmFamilyOperation.Enable, [1], _world.IsOwned ? Oiap(_world.OwnerAuth) : null));
    }

    private void ManageFamily()
    {
        int family = AnyFamily();
        TpmFamilyOperation operation = Pick(TpmFamilyOperation.Enable, TpmFamilyOperation.Enable, TpmFamilyOperation.Admin, TpmFamilyOperation.Invalidate);
        byte[] data = operation == TpmFamilyOperation.Invalidate ? [] : [(byte)_random.Next(2)];
        Emit(Delegation.Manage(family, operation, data, _world.IsOwned && Chance(85) ? Owner() : null), () =>
        {
            if (operation == TpmFamilyOperation.Invalidate) _world.Families.Remove(family);
        });
    }

    private int AnyFamily() => _world.Families.Count > 0 && Chance(92) ? Pick(_world.Families) : 9;

    private TpmDelegatePublic DelegatePublic(TpmDelegateType type, uint permissions) => new()
    {
        PcrInfo = NvPcrs(),
        Permissions = new TpmDelegations { DelegateType = type, Per1 = permissions },
        VerificationCount = 1,
    };

    private void DelegateOwner()
    {
        if (_world.Families.Count == 0 && Chance(85)) CreateFamily();
        int family = AnyFamily(), blob = _world.NewNumber();
        uint permissions = (uint)Pick(
            TpmDelegateOwnerPermission.OwnerReadInternalPub,
            TpmDelegateOwnerPermission.OwnerReadInternalPub | TpmDelegateOwnerPermission.CreateCounter,
            TpmDelegateOwnerPermission.OwnerReadPubek);
        Emit(
            Delegation.CreateOwnerDelegation(Chance(10), DelegatePublic(TpmDelegateType.OwnerBits, permissions), family, Secrets.Delegate, blob, OsapOwner()),
            () => _world.OwnerDelegations.Add(blob));
        uint row = (uint)_random.Next(2);
        if (Chance(60)) Emit(Delegation.LoadOwnerDelegation(row, blob, _world.IsOwned && Chance(90) ? Owner() : null));
        if (Chance(30)) Emit(Delegation.Verify(blob));
        if (Chance(70)) UseDelegation(TpmEntityType.DelegateOwnerBlob, blob, 0);
    }

    /// <summary>A session of the owner's delegate, and a command that it may have been given.</summary>
    private void UseDelegation(TpmEntityType type, int? blob, uint row)
    {
        int session = _world.NewNumber();
        Lead(Delegation.Dsap(session, type, blob, row, SideMemory.Srk, Secrets.Delegate));
        var auth = new SessionUse(session, Secrets.Delegate);
        Emit(Chance(80) ? Admin.OwnerReadInternalPub(SideMemory.Srk, auth) : Admin.OwnerReadPubek(auth));
    }

    private void UseRow() => UseDelegation(TpmEntityType.DelegateRow, null, (uint)_random.Next(2));

    private void DelegateKey()
    {
        if (_world.Families.Count == 0 && Chance(85)) CreateFamily();
        int family = AnyFamily(), blob = _world.NewNumber(), key = KeyFor(TpmKeyUsage.Signing), session = _world.NewNumber();
        uint permissions = (uint)Pick(TpmDelegateKeyPermission.Sign, TpmDelegateKeyPermission.Sign | TpmDelegateKeyPermission.Quote, TpmDelegateKeyPermission.GetPubKey);
        Emit(Delegation.CreateKeyDelegation(
            key, DelegatePublic(TpmDelegateType.KeyBits, permissions), family, Secrets.Delegate, blob, OsapKey(key, SecretOf(key))));
        if (Chance(30)) Emit(Delegation.Verify(blob));
        Lead(Delegation.Dsap(session, TpmEntityType.DelegateKeyBlob, blob, 0, key, Secrets.Delegate));
        var auth = new SessionUse(session, Secrets.Delegate);
        Emit(Chance(70) ? SignWith(key, Bytes(20), auth) : Keys.GetPubKey(key, auth));
    }

    private void UpdateDelegation()
    {
        int newBlob = _world.NewNumber();
        bool isBlob = _world.OwnerDelegations.Count > 0 && Chance(60);
        Emit(Delegation.UpdateVerification(isBlob ? Pick(_world.OwnerDelegations) : null, (uint)_random.Next(2), newBlob, Owner()));
    }

    private void ReadDelegations() => Emit(Delegation.ReadTable());
}
