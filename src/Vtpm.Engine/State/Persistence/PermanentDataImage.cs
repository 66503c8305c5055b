using System.Collections.Frozen;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary><see cref="PermanentData"/> in the state file.</summary>
internal struct PermanentDataImage : IWireStructure<PermanentDataImage>
{
    public Secret? TpmProof;
    public Secret? ContextKey;
    public Secret? DelegateKey;
    public Secret? EKReset;
    public Secret? OwnerAuth;
    public Secret? OperatorAuth;
    public KeyImage? EndorsementKey;
    public KeyImage? Srk;
    public TpmDigest AuthDir;
    public uint NoOwnerNvWrite;
    public uint RestrictDelegate;
    public Secret? DaaSeed;
    public Secret? DaaProof;
    public uint LastFamilyId;
    public AddedFields Added;

    public static void Describe<TCodec>(ref TCodec wire, ref PermanentDataImage value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Secret(ref value.TpmProof);
        wire.Secret(ref value.ContextKey);
        wire.Secret(ref value.DelegateKey);
        wire.Secret(ref value.EKReset);
        wire.Secret(ref value.OwnerAuth);
        wire.Secret(ref value.OperatorAuth);
        wire.Optional(ref value.EndorsementKey);
        wire.Optional(ref value.Srk);
        TpmDigest.Describe(ref wire, ref value.AuthDir);
        wire.UInt32(ref value.NoOwnerNvWrite);
        wire.UInt32(ref value.RestrictDelegate);
        wire.Secret(ref value.DaaSeed);
        wire.Secret(ref value.DaaProof);
        wire.UInt32(ref value.LastFamilyId);
    }

    /// <summary>The fields that version 2 of the format has added; they stand at the end of the file.</summary>
    internal struct AddedFields : IWireStructure<AddedFields>
    {
        public Secret? DaaBlobKey;
        public TpmPubKey? ManuMaintPub;
        public Number[] AuditChanges;
        public uint AuditMonotonicCounter;

        public static void Describe<TCodec>(ref TCodec wire, ref AddedFields value)
            where TCodec : struct, IWireCodec, allows ref struct
        {
            wire.Secret(ref value.DaaBlobKey);
            wire.Optional(ref value.ManuMaintPub);
            wire.List32(ref value.AuditChanges, StateFormat.MaxItems);
            wire.UInt32(ref value.AuditMonotonicCounter);
        }
    }

    public static PermanentDataImage Of(PermanentData data) => new()
    {
        TpmProof = data.TpmProof,
        ContextKey = data.ContextKey,
        DelegateKey = data.DelegateKey,
        EKReset = data.EKReset,
        OwnerAuth = data.OwnerAuth,
        OperatorAuth = data.OperatorAuth,
        EndorsementKey = data.EndorsementKey is { } ek ? KeyImage.Of(ek) : null,
        Srk = data.Srk is { } srk ? KeyImage.Of(srk) : null,
        AuthDir = data.AuthDir,
        NoOwnerNvWrite = data.NoOwnerNvWrite,
        RestrictDelegate = data.RestrictDelegate,
        DaaSeed = data.DaaSeed,
        DaaProof = data.DaaProof,
        LastFamilyId = data.LastFamilyId,
        Added = new AddedFields
        {
            DaaBlobKey = data.DaaBlobKey,
            ManuMaintPub = data.ManuMaintPub,
            AuditChanges = [.. data.AuditChanges.Order().Select(ordinal => new Number { Value = (uint)ordinal })],
            AuditMonotonicCounter = data.AuditMonotonicCounter,
        },
    };

    /// <exception cref="StateFormatException">A secret that every TPM has is missing, or a key is not usable.</exception>
    public readonly PermanentData ToData(ITpmRsa rsa)
    {
        if (TpmProof is null || ContextKey is null || DelegateKey is null) throw new StateFormatException("the TPM's state lacks its secrets");
        return new PermanentData
        {
            TpmProof = TpmProof,
            ContextKey = ContextKey,
            DelegateKey = DelegateKey,
            EKReset = EKReset,
            OwnerAuth = OwnerAuth,
            OperatorAuth = OperatorAuth,
            EndorsementKey = EndorsementKey?.ToKey(rsa),
            Srk = Srk?.ToKey(rsa),
            AuthDir = AuthDir,
            NoOwnerNvWrite = NoOwnerNvWrite,
            RestrictDelegate = RestrictDelegate,
            DaaSeed = DaaSeed,
            DaaProof = DaaProof,
            LastFamilyId = LastFamilyId,
            DaaBlobKey = Added.DaaBlobKey,
            ManuMaintPub = Added.ManuMaintPub,
            AuditChanges = (Added.AuditChanges ?? []).Select(number => (TpmOrdinal)number.Value).ToFrozenSet(),
            AuditMonotonicCounter = Added.AuditMonotonicCounter,
        };
    }
}
