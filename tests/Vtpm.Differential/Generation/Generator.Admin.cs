using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Startup, capabilities, opt-in, ownership.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> AdminScenes() =>
    [
        (3, PowerCycle), (1, PowerCycleToState), (1, StartedAgain), (6, Capability), (3, SetFlag), (2, Presence), (2, Test), (2, Disabled), (1, Deactivated),
        (1, OperatorDeactivates), (2, ReadPublicKeys), (1, ChangeOwner), (1, Clear), (3, OwnerCapability), (2, Locality), (1, DisabledPubekRead),
    ];

    private void PowerCycle()
    {
        Lead(new PowerStep());
        if (Chance(10)) PlayScene();
        Lead(Admin.Startup(TpmStartupType.Clear), _world.StartClear);
        if (_world.Locality != 0) SetLocality(0);
    }

    /// <summary>Nothing comes between the saving and the power's end: whether the saved state survives other commands is the TPM's choice.</summary>
    private void PowerCycleToState()
    {
        Lead(Admin.Plain(TpmOrdinal.SaveState));
        Lead(new PowerStep());
        Lead(Admin.Startup(Pick(TpmStartupType.State, TpmStartupType.State, TpmStartupType.Clear, TpmStartupType.Deactivated)));
        // What is left is found out by asking; the generator's belief starts over.
        PowerCycle();
    }

    private void StartedAgain() => Emit(Admin.Startup(Pick(TpmStartupType.Clear, TpmStartupType.State, TpmStartupType.Deactivated)));

    private void Capability()
    {
        TpmCapability area = Pick(
            TpmCapability.Ord, TpmCapability.Alg, TpmCapability.Pid, TpmCapability.Flag, TpmCapability.Property, TpmCapability.Version, TpmCapability.KeyHandle,
            TpmCapability.SymMode, TpmCapability.NvIndex, TpmCapability.TransAlg, TpmCapability.TransES, TpmCapability.AuthEncrypt, TpmCapability.Handle);
        uint number = area switch
        {
            TpmCapability.Ord => (uint)_random.Next(0x100),
            TpmCapability.Flag => 0x109u,
            TpmCapability.Property => 0x100u + (uint)_random.Next(0x26),
            TpmCapability.NvIndex => Pick(Comparison.StateProbe.NvIndexes),
            _ => (uint)_random.Next(12),
        };
        byte[] subCap = TestTpm.BigEndian(number);
        if (area == TpmCapability.Pid || Chance(5)) subCap = subCap[2..];
        Action<ResponseReader>? response = area switch
        {
            TpmCapability.KeyHandle or TpmCapability.Handle => Admin.HandleList,
            TpmCapability.Property when IsOfTheMaker((TpmCapabilityProperty)number) => answer => answer.VendorSized32("property"),
            _ => null,
        };
        Emit(area == TpmCapability.Flag && Chance(50) ? Admin.GetPermanentFlags() : Admin.GetCapability(area, subCap, response));
    }

    /// <summary>Properties in which two TPMs may differ.</summary>
    private static bool IsOfTheMaker(TpmCapabilityProperty property) => property is TpmCapabilityProperty.Manufacturer or TpmCapabilityProperty.TisTimeout
        or TpmCapabilityProperty.StartupEffect or TpmCapabilityProperty.Duration or TpmCapabilityProperty.MaxNvAvailable or TpmCapabilityProperty.TransSess
        or TpmCapabilityProperty.MaxTransSess or TpmCapabilityProperty.FamilyRows or TpmCapabilityProperty.DelegateRow or TpmCapabilityProperty.DaaSess
        or TpmCapabilityProperty.MaxDaaSess or TpmCapabilityProperty.Sessions or TpmCapabilityProperty.MaxSessions or TpmCapabilityProperty.ActiveCounter
        or TpmCapabilityProperty.ContextDist;

    private void SetFlag()
    {
        // Flags that no command would set again are left alone.
        TpmPermanentFlag flag = Pick(
            TpmPermanentFlag.ReadPubek, TpmPermanentFlag.ReadSrkPub, TpmPermanentFlag.DisableFullDALogicInfo, TpmPermanentFlag.Ownership,
            TpmPermanentFlag.TpmEstablished, TpmPermanentFlag.Operator);
        byte[] value = Chance(90) ? [(byte)_random.Next(2)] : Bytes(_random.Next(3));
        SessionUse[] auths = _world.IsOwned && Chance(80) ? [Owner()] : [];
        Emit(Admin.SetCapability(TpmSetCapability.PermFlags, (uint)flag, value, auths));
    }

    private void Presence() => SetPresence(Chance(50));

    private void SetPresence(bool present) =>
        Lead(Admin.PhysicalPresence((int)(present ? TpmPhysicalPresence.Present : TpmPhysicalPresence.NotPresent)), () => _world.IsPresent = present);

    private void Test() => Emit(Pick(Admin.Plain(TpmOrdinal.ContinueSelfTest), Admin.GetTestResult(), Admin.Plain(TpmOrdinal.SelfTestFull)));

    /// <summary>A few scenes on a disabled TPM, which is enabled again.</summary>
    private void Disabled()
    {
        SetPresence(true);
        bool byOwner = _world.IsOwned && Chance(50);
        if (byOwner) Emit(Admin.WithBool(TpmOrdinal.OwnerSetDisable, true, Owner()));
        else Emit(Admin.Plain(TpmOrdinal.PhysicalDisable));
        for (int i = _random.Next(3); i > 0; i--) PlayScene();
        if (byOwner && Chance(70)) Lead(Admin.WithBool(TpmOrdinal.OwnerSetDisable, false, Owner()));
        SetPresence(true);
        Lead(Admin.Plain(TpmOrdinal.PhysicalEnable));
        SetPresence(false);
    }

    private void Deactivated()
    {
        SetPresence(true);
        Emit(Chance(50) ? Admin.Plain(TpmOrdinal.SetTempDeactivated) : Admin.WithBool(TpmOrdinal.PhysicalSetDeactivated, true));
        if (Chance(50)) PowerCycle();
        for (int i = _random.Next(3); i > 0; i--) PlayScene();
        SetPresence(true);
        Lead(Admin.WithBool(TpmOrdinal.PhysicalSetDeactivated, false));
        PowerCycle();
    }

    private void OperatorDeactivates()
    {
        SetPresence(true);
        Emit(Admin.SetOperatorAuth(Secrets.Operator));
        SetPresence(false);
        Emit(Admin.Plain(TpmOrdinal.SetTempDeactivated, Oiap(Secrets.Operator)));
        PowerCycle();
    }

    private void ReadPublicKeys()
    {
        if (!_world.IsOwned || Chance(30)) Emit(Admin.ReadPubek());
        else if (Chance(50)) Emit(Admin.OwnerReadInternalPub(Pick(SideMemory.Srk, SideMemory.Ek), Owner()));
        else Emit(Admin.OwnerReadPubek(Owner()));
    }

    private void DisabledPubekRead()
    {
        Emit(Admin.Plain(TpmOrdinal.DisablePubekRead, Owner()));
        Lead(Admin.ReadPubek());
    }

    private void ChangeOwner()
    {
        byte[] secret = Pick(Secrets.Owner, Secrets.Other);
        bool isSrk = Chance(50);
        Emit(Storage.ChangeAuthOwner(isSrk ? TpmEntityType.Srk : TpmEntityType.Owner, secret, OsapOwner()), () =>
        {
            if (isSrk) _world.SrkAuth = secret;
            else _world.OwnerAuth = secret;
        });
    }

    private void OwnerCapability() => Emit(Admin.GetCapabilityOwner(Owner()));

    private void Locality() => SetLocality(Chance(60) ? 0 : _random.Next(5));

    private void SetLocality(int locality)
    {
        _world.Locality = locality;
        Lead(new LocalityStep(locality));
    }

    /// <summary>The owner goes, in one way or the other, and another comes.</summary>
    private void Clear()
    {
        SetPresence(true);
        if (_world.IsOwned && Chance(60)) Lead(Admin.Plain(TpmOrdinal.OwnerClear, Owner()), _world.LoseOwner);
        else Lead(Admin.Plain(TpmOrdinal.ForceClear), _world.LoseOwner);
        SetPresence(true);
        Lead(Admin.Plain(TpmOrdinal.PhysicalEnable));
        Lead(Admin.WithBool(TpmOrdinal.PhysicalSetDeactivated, false));
        PowerCycle();
        for (int i = _random.Next(6); i > 0; i--) PlayScene();
        Own();
    }

    private void Own()
    {
        var srk = new OutsideKey { Usage = TpmKeyUsage.Storage, UsageAuth = Secrets.WellKnown, Flags = TpmKeyFlags.None };
        SetPresence(true);
        Lead(Admin.WithBool(TpmOrdinal.SetOwnerInstall, true));
        TpmKey srkParams = srk.PublicPart() with { PubKey = default };
        Emit(Admin.TakeOwnership(Secrets.Owner, Secrets.WellKnown, srkParams, Oiap(Secrets.Owner)), () => _world.IsOwned = true);
    }
}
