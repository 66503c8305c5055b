using Vtpm.Differential.Commands;
using Vtpm.Differential.Comparison;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential;

/// <summary>What runs begin with.</summary>
public enum Beginning
{
    /// <summary>An endorsement key, NV unlocked, no owner.</summary>
    Unowned,

    /// <summary>An owner, and a key of each kind wrapped under the SRK.</summary>
    OwnedUnlocked,

    /// <summary>An owner, NV locked, and a key of each kind wrapped under the SRK.</summary>
    Owned,
}

/// <summary>Both TPMs side by side, and the states that runs begin with.</summary>
public sealed class Laboratory : IDisposable
{
    /// <summary>Blobs of keys that each TPM has made itself, at the beginning <see cref="Beginning.Owned"/>.</summary>
    public const int StorageBlob = 1, SigningBlob = 2, IdentityBlob = 3;

    private readonly EngineSide _ours = new();
    private readonly SwtpmSide _theirs = new();
    private readonly Dictionary<Beginning, (object Permanent, SideMemory Memory)[]> _beginnings = [];

    public Laboratory()
    {
        Prepare(Beginning.Unowned, UnownedSteps());
        Prepare(Beginning.OwnedUnlocked, OwnedSteps());
        Prepare(Beginning.Owned, [NonVolatile.Define(TestTpm.NvPublic(TpmNvPermission.None, size: 0, index: TpmNvIndex.Lock), new byte[20], null)]);
    }


    /// <summary>Both TPMs become those of a beginning, started clear.</summary>
    public void Restore(Beginning beginning)
    {
        (object Permanent, SideMemory Memory)[] states = _beginnings[beginning];
        _ours.Restore(states[0].Permanent, states[0].Memory);
        _theirs.Restore(states[1].Permanent, states[1].Memory);
        if (Run(Admin.Startup(TpmStartupType.Clear), out _) is [var difference, ..]) throw new InvalidOperationException(difference.Describe());
    }

    /// <summary>Runs a step on both sides and compares.</summary>
    public IReadOnlyList<Difference> Run(Step step, out StepAnswer ours, AnsweredStep? after = null)
    {
        StepAnswer our = step.Run(_ours), their = step.Run(_theirs);
        ours = our;
        return [.. StepAnswer.Compare(our, their).Select(what => new Difference(step, after, what, our, their))];
    }

    /// <summary>Compares the states that <paramref name="after"/> has left.</summary>
    public IReadOnlyList<Difference> Probe(IReadOnlyList<CommandStep> probes, AnsweredStep after) =>
        [.. probes.SelectMany(probe => Run(probe, out _, after))];

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    private static IEnumerable<Step> UnownedSteps() =>
    [
        new PowerStep(),
        Admin.Startup(TpmStartupType.Clear),
        Admin.CreateEndorsementKeyPair(TestTpm.StorageParms),
        Admin.PhysicalPresence((int)TpmPhysicalPresence.CmdEnable),
    ];

    private static IEnumerable<Step> OwnedSteps()
    {
        var storage = new OutsideKey { Usage = TpmKeyUsage.Storage, UsageAuth = Secrets.Key, Flags = TpmKeyFlags.None };
        return
        [
            Sessions.Oiap(1),
            Admin.TakeOwnership(Secrets.Owner, Secrets.WellKnown, storage.PublicPart() with { PubKey = default }, new SessionUse(1, Secrets.Owner)),
            Sessions.OsapKey(2, SideMemory.Srk, Secrets.WellKnown),
            Keys.Create(storage, SideMemory.Srk, StorageBlob, new SessionUse(2, Secrets.WellKnown)),
            Sessions.OsapKey(3, SideMemory.Srk, Secrets.WellKnown),
            Keys.Create(storage with { Usage = TpmKeyUsage.Signing }, SideMemory.Srk, SigningBlob, new SessionUse(3, Secrets.WellKnown)),
            Sessions.Oiap(4),
            Sessions.OsapOwner(5, Secrets.Owner),
            Identity.Make(Secrets.Key, IdentityBlob, new SessionUse(4, Secrets.WellKnown), new SessionUse(5, Secrets.Owner)),
        ];
    }

    /// <summary>Done on both sides, in order; a beginning takes over from the one before it.</summary>
    private void Prepare(Beginning beginning, IEnumerable<Step> steps)
    {
        foreach (Step step in steps)
        {
            if (Run(step, out StepAnswer answer) is [var difference, ..]) throw new InvalidOperationException($"preparing:\n{difference.Describe()}");
            if (!answer.Succeeded) throw new InvalidOperationException($"preparing: {step.Words} answered {answer.Result}");
        }

        _beginnings[beginning] = [(_ours.SavePermanent(), _ours.Memory.Clone()), (_theirs.SavePermanent(), _theirs.Memory.Clone())];
    }
}
