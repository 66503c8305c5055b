namespace Vtpm.Wire;

/// <summary><c>TPM_AUDIT_EVENT_IN</c>, Part 2 §14.1: what the audit digest takes in before a command runs.</summary>
public struct TpmAuditEventIn : IWireStructure<TpmAuditEventIn>
{
    public TpmDigest InputParms;
    public TpmCounterValue AuditCount;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmAuditEventIn value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.AuditEventIn);
        wire.Structure(ref value.InputParms);
        wire.Structure(ref value.AuditCount);
    }
}
