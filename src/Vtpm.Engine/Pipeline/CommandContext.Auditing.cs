using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Auditing (Part 3 §8.1): the digest over the commands that the owner wants to know about.</content>
public sealed partial class CommandContext
{
    private bool _inputAudited;

    /// <summary>Whether this command is audited, by the state from before it: it may be the one that changes that (§8.1 description 3b).</summary>
    public bool IsAudited { get; }

    /// <summary>False for TPM_SaveState, of which only the input is audited (§8.1 description 3a).</summary>
    public bool AuditsOutput { get; set; } = true;

    /// <summary>What is audited of the response, where it is not the digest that its HMACs are over.</summary>
    public TpmDigest? AuditedOutput { get; set; }

    /// <summary>ordinalAuditStatus of a command: as the table of ordinals says, unless the owner has changed it.</summary>
    public bool IsOrdinalAudited(TpmCommand command) =>
        PermanentData.AuditChanges.Contains(command.Traits.Ordinal) != (command.Traits.Audit == Audit.Default);

    /// <summary>
    /// §8.1 actions 2b and 2c: the input goes into the audit digest. The pipeline calls it when the command has succeeded; TPM_ExecuteTransport does
    /// so itself, before the command that it brings.
    /// </summary>
    public void AuditInput(TpmDigest inputParms)
    {
        _inputAudited = true;
        // In an encrypted transport session nothing is told but that the command was there (Part 1 §18.4.1).
        if (Carrier is { Encrypts: true }) inputParms = TpmDigest.Of(OrdinalBytes);
        OpenAuditSession();
        Extend(new TpmAuditEventIn { InputParms = inputParms, AuditCount = AuditCount });
    }

    /// <summary>§8.1 actions 2d and 2e, when a command has succeeded and its response is written; the input first, where that is missing.</summary>
    internal void AuditSuccess(in TpmDigest outParamDigest)
    {
        if (!_inputAudited) AuditInput(InParamDigest);
        if (!AuditsOutput) return;
        OpenAuditSession();
        TpmDigest outputParms = Carrier is { Encrypts: true } ? Hash(SuccessBytes, OrdinalBytes) : AuditedOutput ?? outParamDigest;
        Extend(new TpmAuditEventOut { OutputParms = outputParms, AuditCount = AuditCount });
    }

    /// <summary>auditMonotonicCounter as commands answer it: its label is zeroes (Part 2 §7.4).</summary>
    public TpmCounterValue AuditCount => new() { Counter = PermanentData.AuditMonotonicCounter };

    /// <summary>
    /// §8.1 action 2a: no two sessions have the same count. An output opens one, too, when the command in a transport session has closed the one that
    /// the input is in (Part 1 §19 rule 2b).
    /// </summary>
    private void OpenAuditSession()
    {
        if (State.StAnyData.AuditDigest != default) return;
        PermanentData = PermanentData with { AuditMonotonicCounter = PermanentData.AuditMonotonicCounter + 1 };
    }

    private void Extend<T>(in T auditEvent)
        where T : struct, IWireStructure<T>
    {
        TpmDigest digest = State.StAnyData.AuditDigest.Extend(WireFormat.ToBytes(auditEvent));
        State = State with { StAnyData = State.StAnyData with { AuditDigest = digest } };
    }
}
