using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;
using static Vtpm.Wire.TpmOrdinal;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Differential.Comparison;

/// <summary>All of docs/differences.md. What is not here fails.</summary>
public static partial class KnownDifferences
{
    public static IReadOnlyList<KnownDifference> All { get; } = [.. Framing(), .. Capabilities(), .. KeysAndBlobs(), .. Areas(), .. Delegations(), .. Others()];

    public static KnownDifference? Find(Difference difference) => All.FirstOrDefault(known => known.Covers(difference));

    private static SessionUse Wrong(int session) => new(session, Secrets.Other);

    private static SessionUse Owner(int session) => new(session, Secrets.Owner);

    private static SessionUse Srk(int session) => new(session, Secrets.WellKnown);

    private static SessionUse Key(int session) => new(session, Secrets.Key);

    private static OutsideKey Outside(TpmKeyUsage usage) => new() { Usage = usage, UsageAuth = Secrets.Key };

    private static IEnumerable<KnownDifference> Framing() =>
    [
        new("session-first", difference => difference.Ours.Result == InvalidAuthHandle && difference.BothFailed,
            Keys.GetPubKey(9, Wrong(9))),
        new("availability-first", difference => difference.BothFailed && IsOfTheState(difference.Ours.Result)
                && (IsOfTheState(difference.Theirs.Result) || IsOfTheParameters(difference.Theirs.Result)),
            Keys.GetPubKey(9, Wrong(9)).With(new Mutation(MutationKind.Tag, (int)TpmTag.RquAuth2Command))) { Beginning = Beginning.Unowned },
        new("malformed", difference => difference.Mutation is { Kind: not (MutationKind.WrongHmac or MutationKind.UnknownSession) }
                && difference.Ours.Result is BadParamSize or BadParameter or BadTag or BadIndex or NoSpace or BadKeyProperty
                && (IsOfTheParameters(difference.Theirs.Result) || IsOfTheState(difference.Theirs.Result)),
            Integrity.Sha1Start(),
            Integrity.Sha1Update(new byte[64]).With(new Mutation(MutationKind.FlippedBit, 0))),
        new("malformed-keeps-session", difference => difference.After is { Step: CommandStep { Mutation: not null, Ordinal: not NvDefineSpace }, Answer.Succeeded: false }
                && IsOfSessions(difference),
            Sessions.Oiap(10),
            Delegation.CreateFamily(1, 11, Owner(10)),
            Sessions.OsapOwner(12, Secrets.Owner),
            Delegation.CreateOwnerDelegation(false, OwnerDelegation(TpmLocalitySelection.All), 11, Secrets.Delegate, 13, Owner(12))
                .With(new Mutation(MutationKind.FlippedBit, 1))),
        new("session-space-first", difference => difference.Ordinal is TpmOrdinal.Osap or TpmOrdinal.Dsap && difference.BothFailed && difference.Theirs.Result == Resources,
            [.. Enumerable.Range(10, 16).Select(Sessions.Oiap), Sessions.OsapKey(30, 9, Secrets.Key)]),
        new("failed-startup", difference => difference.Ordinal == TpmOrdinal.Startup && difference.IsBetween(FailedSelfTest, InvalidPostInit),
            new PowerStep(), Admin.Startup(TpmStartupType.State), Admin.Startup(TpmStartupType.Clear)),
        new("osap-owner-as-key", difference => difference.Says("Osap entity of type 1 ") && difference.IsBetween(InvalidKeyHandle, InvalidResource),
            Sessions.Osap(10, 1, "entity of type 1", request => request.UInt32(TpmKeyHandle.Owner), Secrets.Owner)),
        new("change-owner-ends-sessions", difference => difference.After is { Step: CommandStep { Ordinal: TpmOrdinal.ChangeAuthOwner }, Answer.Succeeded: true }
                && IsOfSessions(difference),
            Sessions.OsapSrk(10, Secrets.WellKnown),
            Sessions.OsapOwner(11, Secrets.Owner),
            Storage.ChangeAuthOwner(TpmEntityType.Srk, Secrets.Other, Owner(11))),
        new("startup-malformed", difference => difference.After is { Step: CommandStep { Ordinal: TpmOrdinal.Startup }, Answer.Succeeded: false }
                && difference.Ours.Result == InvalidPostInit,
            new PowerStep(), Admin.Startup(TpmStartupType.Clear).With(new Mutation(MutationKind.Truncated, 1))),
        new("flush-nothing", difference => difference.Ordinal == FlushSpecific && difference.IsBetween(BadParameter, InvalidAuthHandle, BadHandle),
            Sessions.Flush("no handle", request => request.UInt32(1), TpmResourceType.Trans)),
        new("sessions-across-sleep", difference => difference.After is { Step: CommandStep { Ordinal: TpmOrdinal.Startup, Words: "TPM_Startup State" } }
                && IsOfSessions(difference),
            Sessions.Oiap(10), Admin.Plain(SaveState), new PowerStep(), Admin.Startup(TpmStartupType.State)),
    ];

    /// <summary>Which sessions are open or saved, or how many more can be.</summary>
    private static bool IsOfSessions(Difference difference) => difference.Says("GetCapability Handle 00000002") || difference.Says("GetCapability Handle 00000004")
        || difference.Says("GetCapability Handle 00000005") || difference.Says("GetCapability Property 0000010a") || difference.Says("GetCapability Property 00000112");

    /// <summary>What a TPM can say before it has looked at the parameters.</summary>
    private static bool IsOfTheState(TpmResult result) => result is BadTag or InvalidPostInit or Disabled or Deactivated or NoSrk;

    /// <summary>Parameters that are not what the command has: which of several things is wrong with them is in the eye of the reader.</summary>
    private static bool IsOfTheParameters(TpmResult result) => result is BadParamSize or BadParameter or Size or BadVersion or InvalidPcrInfo or InvalidAuthHandle
        or BadKeyProperty or InvalidStructure;

    private static IEnumerable<KnownDifference> Capabilities() =>
    [
        new("subcap-width", difference => difference.Ordinal == GetCapability && difference.Theirs.Result == BadMode
                && difference.Step.Words.Split(' ') is [_, var area, { Length: var digits }, ..] && digits == (area is "TransES" or "Pid" ? 8 : 4),
            Admin.GetCapability(TpmCapability.TransES, [0, 0, 0, 1])),
        new("algorithms", difference => difference.What.StartsWith("Alg ", StringComparison.Ordinal)
                && difference is { OurValue: "01", TheirValue: "00" },
            Admin.GetCapability(TpmCapability.Alg, TestTpm.BigEndian((uint)TpmAlgorithmId.Mgf1))),
        new("handles-of-no-type", difference => difference.Says("GetCapability Handle") && difference.IsBetween(BadMode, BadParameter),
            Admin.GetHandles(TpmResourceType.Delegate)),
        new("set-several", difference => difference.Ordinal == TpmOrdinal.SetCapability && difference.BothFailed
                && difference.Theirs.Result is BadParameter or OwnerSet or AuthFail or BadMode,
            Sessions.Oiap(10), Admin.SetCapability(TpmSetCapability.PermFlags, 2, [1], Owner(10))),
        new("set-bool", difference => difference.Ordinal is TpmOrdinal.SetCapability or DelegateManage
                && difference.Ours.Result == BadParameter && difference.Theirs.Succeeded,
            Sessions.Oiap(10), Admin.SetCapability(TpmSetCapability.PermFlags, 4, [2], Owner(10))),
        new("allow-maintenance", difference => difference.What.EndsWith("llowMaintenance", StringComparison.Ordinal), Admin.GetPermanentFlags()) { IsLasting = true },
    ];

    private static IEnumerable<KnownDifference> KeysAndBlobs() =>
    [
        new("ek-as-key", difference => difference.Theirs.Result == KeyNotFound && difference.BothFailed && difference.Says("EK"),
            Keys.GetPubKey(SideMemory.Ek, null)),
        new("auth-data-usage", difference => difference.Ordinal is LoadKey2 or CreateWrapKey && difference.Says(" 18")
                && (difference.Ours.Result == BadKeyProperty || difference.BothFailed),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.Signing) with { AuthDataUsage = (TpmAuthDataUsage)18 },
                SideMemory.Srk,
                11,
                Srk(10))),
        new("load-order", difference => difference.Ordinal == LoadKey2 && difference.IsBetween(InvalidKeyUsage, BadKeyProperty),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.AuthChange) with { Bits = 1024, EncScheme = TpmEncScheme.SymCtr }, SideMemory.Srk, 11, Srk(10))),
        new("payload", difference => difference.Ordinal == LoadKey2 && difference.Theirs.Result == InvalidStructure && difference.BothFailed
                && difference.Says("payload"),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.Signing) with { Payload = TpmPayloadType.Seal },
                SideMemory.Srk,
                11,
                Srk(10))),
        new("public-digest", difference => difference.Ordinal == LoadKey2 && difference.BothFailed && difference.Theirs.Result == AuthFail
                && difference.Says("wrong digest"),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.Signing) with { HasWrongDigest = true }, SideMemory.Srk, 11, Srk(10))),
        new("change-auth-of-a-key-as-data", difference => difference.Says("ChangeAuth Data") && difference.Ours.Result == InvalidStructure
                && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Sessions.OsapKey(11, SideMemory.Srk, Secrets.WellKnown),
            Storage.ChangeAuth(
                SideMemory.Srk, Laboratory.SigningBlob, TpmEntityType.Data, Secrets.Other, 12, Srk(11), Key(10))),
        new("create-identity", difference => difference.Ordinal == CreateWrapKey && difference.IsBetween(InvalidKeyUsage, BadKeyProperty),
            Sessions.OsapKey(10, SideMemory.Srk, Secrets.WellKnown),
            Keys.Create(
                Outside(TpmKeyUsage.Identity) with { Bits = 1024, Flags = TpmKeyFlags.None },
                SideMemory.Srk,
                11,
                Srk(10))),
        new("bound-data", difference => difference.Ordinal == UnBind
                && difference.IsBetween(DecryptError, InvalidStructure, BadVersion, BadParamSize),
            Sessions.Oiap(10),
            Keys.LoadOutside(Outside(TpmKeyUsage.Bind), SideMemory.Srk, 11, Srk(10)),
            Sessions.Oiap(12),
            Keys.UnBind(11, [1, 1, 0, 0, (byte)TpmPayloadType.Seal, 1, 2, 3], Key(12))),
        new("certify-signer", difference => difference.Ordinal is CertifyKey or CertifyKey2 && difference.Theirs.Result == BadKeyProperty
                && difference.Ours.Result is InappropriateSig or AuthFail or Auth2Fail or InvalidKeyUsage,
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Keys.Certify(CertifyKey, SideMemory.Srk, SideMemory.Srk, new byte[20], Srk(10), Srk(11))),
        new("activate-blocks", difference => difference.Ordinal == ActivateIdentity && difference.Ours.Result is AuthFail or Auth2Fail or InvalidKeyHandle
                && difference.Theirs.Result is AuthFail or Auth2Fail,
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Identity.Activate(SideMemory.Srk, SideMemory.Srk, Wrong(10), Owner(11))),
        new("saved-session-of-an-owner-gone", difference => difference.Ordinal == LoadContext && difference.Ours.Result == BadContext
                && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Sessions.SaveSession(10, 11),
            Sessions.OsapOwner(12, Secrets.Owner),
            Storage.ChangeAuthOwner(TpmEntityType.Owner, Secrets.Other, Owner(12)),
            Sessions.LoadContext(11, 10, isKey: false)),
        new("key-locality", difference => difference.IsBetween(BadLocality, WrongPcrVal),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.Signing) with { IsKey12 = true, PcrInfo = [0, 6, 1, 2, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]] },
                SideMemory.Srk,
                11,
                Srk(10)),
            Sessions.Oiap(12),
            Keys.Sign(11, new byte[20], Key(12))),
        new("key-usage-first", difference => difference.Ordinal == EstablishTransport && difference.IsBetween(InvalidKeyUsage, WrongPcrVal),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                Outside(TpmKeyUsage.Signing) with { PcrInfo = [0, 3, 1, 0, 0, .. new byte[40]] }, SideMemory.Srk, 11, Srk(10)),
            Sessions.Oiap(12),
            Transport.Establish(13, new TpmTransportPublic { AlgId = TpmAlgorithmId.Mgf1 }, 11, Secrets.Transport, Key(12))),
        new("second-key", difference => difference.Ordinal is CertifyKey or CertifyKey2 && difference.IsBetween(AuthFail, InvalidKeyHandle, WrongPcrVal),
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Keys.Certify(CertifyKey2, 9, SideMemory.Srk, new byte[20], new SessionUse(10, Secrets.Other), Key(11))),
        new("seal-too-much", difference => difference.Ordinal == TpmOrdinal.Seal && difference.IsBetween(BadDataSize, EncryptError),
            Sessions.OsapKey(10, SideMemory.Srk, Secrets.WellKnown),
            Storage.Seal(SideMemory.Srk, new byte[160], Secrets.Data, [], 11, Srk(10))),
        new("context-of-nothing", difference => difference.Ordinal == LoadContext && difference.IsBetween(BadContext, BadParamSize),
            Sessions.LoadContext(10, 11, isKey: false)),
        new("key-of-nothing", difference => difference.Ordinal == LoadKey2 && difference.IsBetween(BadParamSize, BadVersion, BadKeyProperty),
            Sessions.Oiap(10), Keys.LoadBlob(10, SideMemory.Srk, 11, Srk(10))),
        new("quote-of-nothing", difference => difference.Ordinal is Quote or Quote2 && difference.Says(" 000000 ")
                && difference.What is "sig" or "pcrData.digestAtRelease",
            Sessions.Oiap(10),
            Keys.LoadOutside(Outside(TpmKeyUsage.Signing), SideMemory.Srk, 11, Srk(10)),
            Sessions.Oiap(12),
            Integrity.Quote(11, new byte[20], [0, 0, 0], Key(12))),
    ];

    private static IEnumerable<KnownDifference> Areas() =>
    [
        new("dir-is-an-area", difference => difference.Says("GetCapability NvIndex 10000001") && difference.Ours.Succeeded
                && difference.Theirs.Result == BadIndex,
            Admin.GetCapability(TpmCapability.NvIndex, TestTpm.BigEndian(TpmNvIndex.Dir))),
        new("dir-by-owner", difference => difference.Says("NvReadValue 10000001") && difference.Ours.Result == AuthConflict,
            Sessions.Oiap(10), NonVolatile.Read(NvReadValue, TpmNvIndex.Dir, 0, 20, Owner(10))),
        new("dir-by-its-secret", difference => difference.Ordinal is NvWriteValueAuth or NvReadValueAuth
                && difference.IsBetween(AuthConflict, BadIndex)
                && difference.Says("10000001"),
            Sessions.Oiap(10), NonVolatile.Write(NvWriteValueAuth, TpmNvIndex.Dir, 0, new byte[20], new SessionUse(10, Secrets.Nv))),
        new("dir-read-of-nothing", difference => difference.Says("NvReadValue 10000001, 0 bytes") && difference.Ours.Succeeded && difference.Theirs.Result == NoSpace,
            NonVolatile.Read(NvReadValue, TpmNvIndex.Dir, 21, 0, null)),
        new("dir-without-owner", difference => difference.Ordinal is DirRead or DirWriteAuth && difference.Ours.Result == NoSrk,
            NonVolatile.DirRead(0)) { Beginning = Beginning.Unowned, IsLasting = true },
        new("digest-of-no-pcrs", difference => difference.Says("GetCapability NvIndex") && difference.BothSucceeded && difference.IsOnlyLessInTheirs,
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.OwnerWrite) with { PcrInfoWrite = TestTpm.AnyPcrs() with { DigestAtRelease = TpmDigest.AllOnes } },
                Secrets.Nv,
                Owner(10)),
            new PowerStep(),
            Admin.Startup(TpmStartupType.Clear),
            Admin.GetCapability(TpmCapability.NvIndex, TestTpm.BigEndian(TestTpm.NvIndex))) { IsLasting = true },
        new("unlocked-area", difference => difference.Ordinal is NvReadValue or NvWriteValue && difference.Theirs.Result == AuthConflict
                && difference.Ours.Result is Success or AuthFail or NoSpace or NotFullWrite,
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.PPWrite), Secrets.Nv, null),
            Sessions.Oiap(10),
            NonVolatile.Read(NvReadValue, TestTpm.NvIndex, 0, 8, Owner(10))) { Beginning = Beginning.OwnedUnlocked },
        new("unlocked-hmac", difference => difference.Ordinal is NvReadValue or NvWriteValue && difference.Ours.Result == AuthFail
                && difference.Theirs.Result is Success or NoSpace or NotFullWrite,
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.OwnerRead), Secrets.Nv, null),
            Sessions.Oiap(10),
            NonVolatile.Read(NvReadValue, TestTpm.NvIndex, 0, 8, Wrong(10))) { Beginning = Beginning.OwnedUnlocked },
        new("define-fails-late", difference => difference.Ordinal == NvDefineSpace && difference.BothFailed && difference.Theirs.Result == Fail,
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite), Secrets.Nv, Owner(10)),
            Sessions.OsapOwner(11, Secrets.Owner),
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.AuthWrite), Secrets.Nv, Owner(11))),
        new("write-localities", difference => difference.Ordinal == NvDefineSpace
                && (difference.Ours.Result == PerNoWrite || difference.Ours.Succeeded && difference.Theirs.Result is PerNoWrite or Fail),
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.None) with { PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.One) }, Secrets.Nv, Owner(10))),
        new("dir-size", difference => difference.Says("NvWriteValue 10000001") && difference.IsBetween(NoSpace, NotFullWrite),
            Sessions.Oiap(10), NonVolatile.Write(NvWriteValue, TpmNvIndex.Dir, 0, new byte[21], Owner(10))),
        new("define-malformed", difference => difference.Ordinal == NvDefineSpace && difference.Ours.Result is BadIndex or Success
                && (difference.Theirs.Result == InvalidStructure || difference.IsBetween(BadIndex, PerNoWrite)),
            Sessions.Oiap(10),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.OwnerWrite, index: 0x10011106) with { PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.None) },
                Secrets.Nv,
                Owner(10))),
        new("area-keeps-session", difference => difference.After is { Step: CommandStep { Ordinal: NvDefineSpace or NvReadValue or NvWriteValue } }
                && difference.After.Answer.Result is Disabled or Deactivated or InvalidStructure or BadParameter
                && IsOfSessions(difference),
            Admin.PhysicalPresence((int)TpmPhysicalPresence.Present),
            Admin.Plain(PhysicalDisable),
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite), Secrets.Nv, Owner(10))),
        new("define-by-oiap", difference => difference.Ordinal == NvDefineSpace && difference.Ours.Result is AuthFail or BadIndex
                && difference.Theirs.Result == BadMode,
            Sessions.Oiap(10), NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite), Secrets.Nv, Wrong(10))),
    ];

    private static IEnumerable<KnownDifference> Delegations() =>
    [
        new("delegation-ends-sessions", difference => IsDelegation(difference.After?.Step) && difference.After!.Answer.Succeeded
                && IsOfSessions(difference)
                || IsDelegation(difference.Step) && difference.What == "session 1 goes on",
            Sessions.OsapKey(10, SideMemory.Srk, Secrets.WellKnown),
            Sessions.Oiap(11),
            Delegation.CreateFamily(1, 12, Owner(11))),
        new("rows-of-no-family", difference => difference is { Ordinal: DelegateReadTable, What: "delegateTable size" or "delegateTable" }
                && difference.OurValue.Length <= difference.TheirValue.Length,
            Sessions.Oiap(10),
            Delegation.CreateFamily(1, 11, Owner(10)),
            Sessions.Oiap(12),
            Delegation.Manage(11, TpmFamilyOperation.Enable, [1], Owner(12)),
            Sessions.OsapOwner(13, Secrets.Owner),
            Delegation.CreateOwnerDelegation(false, OwnerDelegation(TpmLocalitySelection.All), 11, Secrets.Delegate, 14, Owner(13)),
            Sessions.Oiap(15),
            Delegation.LoadOwnerDelegation(0, 14, Owner(15)),
            Sessions.Oiap(16),
            Delegation.Manage(11, TpmFamilyOperation.Invalidate, [], Owner(16)),
            Delegation.ReadTable()) { IsLasting = true },
        new("delegation-of-nothing", difference => difference.IsBetween(BadParamSize, InvalidStructure)
                && difference.Ordinal == DelegateLoadOwnerDelegation
                || difference.IsBetween(BadParameter, BadParamSize) && difference.Ordinal == DelegateVerifyDelegation,
            Delegation.Verify(10)),
        new("delegation-order", difference => difference.Ordinal == DelegateLoadOwnerDelegation && difference.IsBetween(AuthFail, DisabledCmd),
            Sessions.Oiap(10),
            Delegation.CreateFamily(1, 11, Owner(10)),
            Sessions.OsapOwner(12, Secrets.Owner),
            Delegation.CreateOwnerDelegation(
                false, OwnerDelegation(TpmLocalitySelection.All), 11, Secrets.Delegate, 13, Owner(12)),
            Delegation.LoadOwnerDelegation(0, 13, null)),
        new("delegation-pcrs", difference => difference.Ordinal is DelegateCreateOwnerDelegation or DelegateCreateKeyDelegation
                && (difference.Theirs.Result == InvalidStructure && difference.Ours.Result is Success or InvalidPcrInfo or BadIndex
                    || difference.Theirs.Result == WrongPcrVal && difference.Ours.Result is BadIndex or Success),
            Sessions.Oiap(10),
            Delegation.CreateFamily(1, 11, Owner(10)),
            Sessions.OsapOwner(12, Secrets.Owner),
            Delegation.CreateOwnerDelegation(
                false, OwnerDelegation(TpmLocalitySelection.None), 11, Secrets.Delegate, 13, Owner(12))),
        new("not-delegated", difference => difference.Step is CommandStep { Sessions: [{ Secret: var secret }, ..] } && secret == Secrets.Delegate
                && difference.Ours.Result is DisabledCmd or InvalidKeyUsage && difference.Theirs.Result == AuthFail,
            Sessions.Oiap(10),
            Delegation.CreateFamily(1, 11, Owner(10)),
            Sessions.Oiap(12),
            Delegation.Manage(11, TpmFamilyOperation.Enable, [1], Owner(12)),
            Sessions.OsapKey(13, SideMemory.Srk, Secrets.WellKnown),
            Delegation.CreateKeyDelegation(
                SideMemory.Srk,
                new TpmDelegatePublic
                {
                    PcrInfo = TestTpm.AnyPcrs(),
                    Permissions = new TpmDelegations { DelegateType = TpmDelegateType.KeyBits, Per1 = (uint)TpmDelegateKeyPermission.Quote },
                    VerificationCount = 1,
                },
                11,
                Secrets.Delegate,
                14,
                Srk(13)),
            Delegation.Dsap(15, TpmEntityType.DelegateKeyBlob, 14, 0, SideMemory.Srk, Secrets.Delegate),
            Keys.Sign(SideMemory.Srk, new byte[20], new SessionUse(15, Secrets.Delegate))),
    ];

    private static TpmDelegatePublic OwnerDelegation(TpmLocalitySelection localities) => new()
    {
        PcrInfo = TestTpm.AnyPcrs(localities),
        Permissions = new TpmDelegations { DelegateType = TpmDelegateType.OwnerBits, Per1 = (uint)TpmDelegateOwnerPermission.OwnerReadPubek },
        VerificationCount = 1,
    };

    private static bool IsDelegation(Step? step) =>
        step is CommandStep { Ordinal: DelegateManage or DelegateCreateOwnerDelegation or DelegateLoadOwnerDelegation or DelegateUpdateVerification };

    private static IEnumerable<KnownDifference> Others() =>
    [
        new("random-in-transport", difference => difference.Ordinal == GetRandom && difference.Ours.Succeeded && difference.Theirs.Result == TransportLink.Outer(Size),
            Transport.Establish(10, new TpmTransportPublic { AlgId = TpmAlgorithmId.Mgf1 }, null, Secrets.Transport, null),
            Integrity.GetRandom(4096).Through(10)),
        new("transport-deactivated", difference => difference.After is { Step: CommandStep { Ordinal: SetTempDeactivated }, Answer.Succeeded: true }
                && difference.Says("GetCapability Handle 00000004"),
            Transport.Establish(10, new TpmTransportPublic { AlgId = TpmAlgorithmId.Mgf1 }, null, Secrets.Transport, null),
            Admin.PhysicalPresence((int)TpmPhysicalPresence.Present),
            Admin.Plain(SetTempDeactivated)),
        new("transport-of-other-pcrs", difference => difference.Ours.Result == WrongPcrVal && difference.Theirs.Result == TransportLink.Outer(WrongPcrVal),
            Sessions.Oiap(10),
            Keys.LoadOutside(Outside(TpmKeyUsage.Signing) with { PcrInfo = [0, 3, 1, 0, 0, .. new byte[40]] }, SideMemory.Srk, 11, Srk(10)),
            Transport.Establish(
                12,
                new TpmTransportPublic { TransAttributes = TpmTransportAttributes.Log, AlgId = TpmAlgorithmId.Mgf1 },
                null,
                Secrets.Transport,
                null),
            Sessions.Oiap(13),
            Integrity.Quote(11, new byte[20], [1, 0, 0], Key(13)).Through(12)),
        new("primes-of-a-key", difference => difference.Ordinal == TpmOrdinal.TakeOwnership && difference.Ours.Result == BadKeyProperty && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Admin.TakeOwnership(Secrets.Owner, Secrets.WellKnown, SrkOfThreePrimes(), Owner(10))) { Beginning = Beginning.Unowned },
        new("audit-of-nothing", difference => difference.Ordinal == SetOrdinalAuditStatus && difference.Ours.Result == BadIndex
                && difference.Theirs.Result is BadParameter or Success,
            Sessions.Oiap(10), Migration.SetAuditStatus((TpmOrdinal)0x123, true, Owner(10))),
        new("ticket-of-nothing", difference => difference.Ordinal == CreateMigrationBlob && difference.IsBetween(BadParamSize, Size),
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Migration.CreateBlob(
                SideMemory.Srk,
                Outside(TpmKeyUsage.Signing),
                TpmMigrateScheme.Rewrap,
                12,
                13,
                14,
                Srk(10),
                new SessionUse(11, Secrets.Migration))),
        new("ticket-of-another-scheme", difference => difference.Ordinal == CreateMigrationBlob && difference.Ours.Result == BadMode
                && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Migration.Authorize(
                TpmMigrateScheme.Migrate, Outside(TpmKeyUsage.Storage), 11, Owner(10)),
            Sessions.Oiap(12),
            Sessions.Oiap(13),
            Migration.CreateBlob(
                SideMemory.Srk,
                Outside(TpmKeyUsage.Signing),
                TpmMigrateScheme.Rewrap,
                11,
                14,
                15,
                Srk(12),
                new SessionUse(13, Secrets.Migration))),
        new("hash-too-much", difference => difference.Ordinal is Sha1Complete or Sha1CompleteExtend && difference.IsBetween(ShaThread, ShaError),
            Integrity.Sha1Complete(new byte[80])),
        new("stir-too-much", difference => difference.Ordinal == StirRandom && difference.Ours.Result == BadParameter && difference.Theirs.Succeeded,
            Integrity.StirRandom(new byte[256])),
    ];

    private static TpmKey SrkOfThreePrimes()
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        byte[] parms = key.AlgorithmParms.Parms.ToArray();
        parms[7] = 3;
        return key with { AlgorithmParms = key.AlgorithmParms with { Parms = parms } };
    }
}
