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
    public static IReadOnlyList<KnownDifference> All { get; } = [.. Framing(), .. Capabilities(), .. KeysAndBlobs(), .. Areas(), .. Others()];

    public static KnownDifference? Find(Difference difference) => All.FirstOrDefault(known => known.Covers(difference));

    private static SessionUse Wrong(int session) => new(session, Secrets.Other);

    private static IEnumerable<KnownDifference> Framing() =>
    [
        new("session-first", difference => difference.Ours.Result == InvalidAuthHandle && difference.BothFailed,
            Keys.GetPubKey(9, Wrong(9))),
        new("availability-first", difference => difference.BothFailed && IsOfTheState(difference.Ours.Result)
                && (IsOfTheState(difference.Theirs.Result) || IsOfTheParameters(difference.Theirs.Result)),
            Keys.GetPubKey(9, Wrong(9)).With(new Mutation(MutationKind.Tag, (int)TpmTag.RquAuth2Command))) { Beginning = Beginning.Unowned },
        new("malformed", difference => difference.Mutation is { Kind: not (MutationKind.WrongHmac or MutationKind.UnknownSession) }
                && difference.Ours.Result is BadParamSize or BadParameter or BadTag && IsOfTheParameters(difference.Theirs.Result),
            // What swtpm says hangs on a byte of a nonce: one time in 128 it is what we say.
            Sessions.Oiap(10), Keys.GetPubKey(SideMemory.Srk, Wrong(10)).With(new Mutation(MutationKind.Longer, 0)),
            Sessions.Oiap(11), Keys.GetPubKey(SideMemory.Srk, Wrong(11)).With(new Mutation(MutationKind.Longer, 0)),
            Sessions.Oiap(12), Keys.GetPubKey(SideMemory.Srk, Wrong(12)).With(new Mutation(MutationKind.Longer, 0))),
        new("flush-nothing", difference => difference.Ordinal == FlushSpecific && difference.IsBetween(BadParameter, InvalidAuthHandle, BadHandle),
            Sessions.Flush("no handle", request => request.UInt32(1), TpmResourceType.Trans)),
        new("sessions-across-sleep", difference => difference.After is { Step: CommandStep { Ordinal: TpmOrdinal.Startup, Words: "TPM_Startup State" } }
                && (difference.Says("GetCapability Handle 00000002") || difference.Says("GetCapability Property 0000010a")),
            Sessions.Oiap(10), Admin.Plain(SaveState), new PowerStep(), Admin.Startup(TpmStartupType.State)),
    ];

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
        new("algorithms", difference => difference.What.StartsWith("Alg ", StringComparison.Ordinal) && difference is { OurValue: "01", TheirValue: "00" },
            Admin.GetCapability(TpmCapability.Alg, TestTpm.BigEndian((uint)TpmAlgorithmId.Mgf1))),
        new("handles-of-no-type", difference => difference.Says("GetCapability Handle") && difference.IsBetween(BadMode, BadParameter),
            Admin.GetHandles(TpmResourceType.Delegate)),
        new("set-several", difference => difference.Ordinal == TpmOrdinal.SetCapability && difference.BothFailed
                && difference.Theirs.Result is BadParameter or OwnerSet or AuthFail or BadMode,
            Sessions.Oiap(10), Admin.SetCapability(TpmSetCapability.PermFlags, 2, [1], new SessionUse(10, Secrets.Owner))),
        new("set-bool", difference => difference.Says("SetCapability PermFlags") && difference.Ours.Result == BadParameter && difference.Theirs.Succeeded,
            Sessions.Oiap(10), Admin.SetCapability(TpmSetCapability.PermFlags, 4, [2], new SessionUse(10, Secrets.Owner))),
        new("allow-maintenance", difference => difference.What.EndsWith("llowMaintenance", StringComparison.Ordinal), Admin.GetPermanentFlags()) { IsLasting = true },
    ];

    private static IEnumerable<KnownDifference> KeysAndBlobs() =>
    [
        new("ek-as-key", difference => difference.Theirs.Result == KeyNotFound && difference.BothFailed && difference.Says("EK"),
            Keys.GetPubKey(SideMemory.Ek, null)),
        new("auth-data-usage", difference => difference.Ordinal is LoadKey2 or CreateWrapKey && difference.Ours.Result == BadKeyProperty && difference.Says(" 18"),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                new OutsideKey { Usage = TpmKeyUsage.Signing, UsageAuth = Secrets.Key, AuthDataUsage = (TpmAuthDataUsage)18 },
                SideMemory.Srk,
                11,
                new SessionUse(10, Secrets.WellKnown))),
        new("payload", difference => difference.Ordinal == LoadKey2 && difference.IsBetween(DecryptError, InvalidStructure)
                && difference.Says("payload"),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                new OutsideKey { Usage = TpmKeyUsage.Signing, UsageAuth = Secrets.Key, Payload = TpmPayloadType.Seal },
                SideMemory.Srk,
                11,
                new SessionUse(10, Secrets.WellKnown))),
        new("public-digest", difference => difference.Ordinal == LoadKey2 && difference.IsBetween(DecryptError, AuthFail),
            Sessions.Oiap(10),
            Keys.LoadOutside(
                new OutsideKey { Usage = TpmKeyUsage.Signing, UsageAuth = Secrets.Key, HasWrongDigest = true }, SideMemory.Srk, 11, new SessionUse(10, Secrets.WellKnown))),
        new("change-auth-of-a-key-as-data", difference => difference.Says("ChangeAuth Data") && difference.Ours.Result == InvalidStructure && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Sessions.OsapKey(11, SideMemory.Srk, Secrets.WellKnown),
            Storage.ChangeAuth(
                SideMemory.Srk, Laboratory.SigningBlob, TpmEntityType.Data, Secrets.Other, 12, new SessionUse(11, Secrets.WellKnown), new SessionUse(10, Secrets.Key))),
        new("create-identity", difference => difference.Says("CreateWrapKey Identity") && difference.IsBetween(InvalidKeyUsage, BadKeyProperty),
            Sessions.OsapKey(10, SideMemory.Srk, Secrets.WellKnown),
            Keys.Create(
                new OutsideKey { Usage = TpmKeyUsage.Identity, UsageAuth = Secrets.Key, Bits = 1024, Flags = TpmKeyFlags.None },
                SideMemory.Srk,
                11,
                new SessionUse(10, Secrets.WellKnown))),
        new("bound-data", difference => difference.Ordinal == UnBind && difference.IsBetween(DecryptError, InvalidStructure, BadVersion),
            Sessions.Oiap(10),
            Keys.LoadOutside(new OutsideKey { Usage = TpmKeyUsage.Bind, UsageAuth = Secrets.Key }, SideMemory.Srk, 11, new SessionUse(10, Secrets.WellKnown)),
            Sessions.Oiap(12),
            Keys.UnBind(11, [1, 1, 0, 0, (byte)TpmPayloadType.Seal, 1, 2, 3], new SessionUse(12, Secrets.Key))),
        new("certify-signer", difference => difference.Ordinal is CertifyKey or CertifyKey2 && difference.Theirs.Result == BadKeyProperty
                && difference.Ours.Result is InappropriateSig or AuthFail or Auth2Fail,
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Keys.Certify(CertifyKey, SideMemory.Srk, SideMemory.Srk, new byte[20], new SessionUse(10, Secrets.WellKnown), new SessionUse(11, Secrets.WellKnown))),
        new("activate-blocks", difference => difference.Ordinal == ActivateIdentity && difference.Ours.Result is AuthFail or Auth2Fail && difference.Theirs.Result is AuthFail or Auth2Fail,
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Identity.Activate(SideMemory.Srk, SideMemory.Srk, Wrong(10), new SessionUse(11, Secrets.Owner))),
        new("saved-session-of-an-owner-gone", difference => difference.Ordinal == LoadContext && difference.Ours.Result == BadContext && difference.Theirs.Succeeded,
            Sessions.Oiap(10),
            Sessions.SaveSession(10, 11),
            Sessions.OsapOwner(12, Secrets.Owner),
            Storage.ChangeAuthOwner(TpmEntityType.Owner, Secrets.Other, new SessionUse(12, Secrets.Owner)),
            Sessions.LoadContext(11, 10, isKey: false)),
        new("second-key", difference => difference.Ordinal is CertifyKey or CertifyKey2 && difference.IsBetween(AuthFail, InvalidKeyHandle),
            Sessions.Oiap(10),
            Sessions.Oiap(11),
            Keys.Certify(CertifyKey2, 9, SideMemory.Srk, new byte[20], new SessionUse(10, Secrets.Other), new SessionUse(11, Secrets.Key))),
        new("seal-too-much", difference => difference.Ordinal == TpmOrdinal.Seal && difference.IsBetween(BadDataSize, EncryptError),
            Sessions.OsapKey(10, SideMemory.Srk, Secrets.WellKnown),
            Storage.Seal(SideMemory.Srk, new byte[160], Secrets.Data, [], 11, new SessionUse(10, Secrets.WellKnown))),
        new("context-of-nothing", difference => difference.Ordinal == LoadContext && difference.IsBetween(BadContext, BadParamSize),
            Sessions.LoadContext(10, 11, isKey: false)),
        new("key-of-nothing", difference => difference.Ordinal == LoadKey2 && difference.IsBetween(BadParamSize, BadVersion),
            Sessions.Oiap(10), Keys.LoadBlob(10, SideMemory.Srk, 11, new SessionUse(10, Secrets.WellKnown))),
        new("quote-of-nothing", difference => difference.Ordinal is Quote or Quote2 && difference.Says(" 000000 ") && difference.What is "sig" or "pcrData.digestAtRelease",
            Sessions.Oiap(10),
            Keys.LoadOutside(new OutsideKey { Usage = TpmKeyUsage.Signing, UsageAuth = Secrets.Key }, SideMemory.Srk, 11, new SessionUse(10, Secrets.WellKnown)),
            Sessions.Oiap(12),
            Integrity.Quote(11, new byte[20], [0, 0, 0], new SessionUse(12, Secrets.Key))),
    ];

    private static IEnumerable<KnownDifference> Areas() =>
    [
        new("dir-is-an-area", difference => difference.Says("GetCapability NvIndex 10000001") && difference.Ours.Succeeded && difference.Theirs.Result == BadIndex,
            Admin.GetCapability(TpmCapability.NvIndex, TestTpm.BigEndian(TpmNvIndex.Dir))),
        new("dir-by-owner", difference => difference.Says("NvReadValue 10000001") && difference.Ours.Result == AuthConflict,
            Sessions.Oiap(10), NonVolatile.Read(NvReadValue, TpmNvIndex.Dir, 0, 20, new SessionUse(10, Secrets.Owner))),
        new("dir-by-its-secret", difference => difference.Ordinal is NvWriteValueAuth or NvReadValueAuth && difference.IsBetween(AuthConflict, BadIndex)
                && difference.Says("10000001"),
            Sessions.Oiap(10), NonVolatile.Write(NvWriteValueAuth, TpmNvIndex.Dir, 0, new byte[20], new SessionUse(10, Secrets.Nv))),
        new("dir-without-owner", difference => difference.Ordinal is DirRead or DirWriteAuth && difference.Ours.Result == NoSrk,
            NonVolatile.DirRead(0)) { Beginning = Beginning.Unowned, IsLasting = true },
        new("digest-of-no-pcrs", difference => difference.Says("GetCapability NvIndex") && difference.BothSucceeded && difference.IsOnlyLessInTheirs,
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.OwnerWrite) with { PcrInfoWrite = TestTpm.AnyPcrs() with { DigestAtRelease = TpmDigest.AllOnes } },
                Secrets.Nv,
                new SessionUse(10, Secrets.Owner)),
            new PowerStep(),
            Admin.Startup(TpmStartupType.Clear),
            Admin.GetCapability(TpmCapability.NvIndex, TestTpm.BigEndian(TestTpm.NvIndex))) { IsLasting = true },
        new("unlocked-area", difference => difference.Ordinal is NvReadValue or NvWriteValue && difference.Ours.Succeeded && difference.Theirs.Result == AuthConflict,
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.PPWrite), Secrets.Nv, null),
            Sessions.Oiap(10),
            NonVolatile.Read(NvReadValue, TestTpm.NvIndex, 0, 8, new SessionUse(10, Secrets.Owner))) { Beginning = Beginning.OwnedUnlocked },
        new("write-localities", difference => difference.Ordinal == NvDefineSpace && (difference.Ours.Result == PerNoWrite || difference.Theirs.Result == PerNoWrite),
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.None) with { PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.One) }, Secrets.Nv, new SessionUse(10, Secrets.Owner))),
        new("dir-size", difference => difference.Says("NvWriteValue 10000001") && difference.IsBetween(NoSpace, NotFullWrite),
            Sessions.Oiap(10), NonVolatile.Write(NvWriteValue, TpmNvIndex.Dir, 0, new byte[21], new SessionUse(10, Secrets.Owner))),
        new("define-malformed", difference => difference.Ordinal == NvDefineSpace && difference.IsBetween(BadIndex, InvalidStructure),
            Sessions.Oiap(10),
            NonVolatile.Define(
                TestTpm.NvPublic(TpmNvPermission.OwnerWrite, index: 0x10011106) with { PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.None) },
                Secrets.Nv,
                new SessionUse(10, Secrets.Owner))),
        new("define-keeps-session", difference => difference.After is { Step: CommandStep { Ordinal: NvDefineSpace } }
                && difference.After.Answer.Result is Disabled or Deactivated or InvalidStructure
                && (difference.Says("GetCapability Handle 00000002") || difference.Says("GetCapability Property 0000010a")),
            Admin.PhysicalPresence((int)TpmPhysicalPresence.Present),
            Admin.Plain(PhysicalDisable),
            Sessions.OsapOwner(10, Secrets.Owner),
            NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite), Secrets.Nv, new SessionUse(10, Secrets.Owner))),
        new("define-by-oiap", difference => difference.Ordinal == NvDefineSpace && difference.IsBetween(AuthFail, BadMode),
            Sessions.Oiap(10), NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.OwnerWrite), Secrets.Nv, Wrong(10))),
    ];

    private static IEnumerable<KnownDifference> Others() =>
    [
        new("hash-too-much", difference => difference.Ordinal is Sha1Complete or Sha1CompleteExtend && difference.IsBetween(ShaThread, ShaError),
            Integrity.Sha1Complete(new byte[80])),
        new("stir-too-much", difference => difference.Ordinal == StirRandom && difference.Ours.Result == BadParameter && difference.Theirs.Succeeded,
            Integrity.StirRandom(new byte[256])),
    ];
}
