using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>A TPM to begin with, and all that its next answers depend on.</summary>
public sealed record PreparedTpm(TpmState State, ulong RandomPosition, int RsaPosition, IReadOnlyList<SessionAnswer> Answers)
{
    public static PreparedTpm Of(SessionStart start)
    {
        var rsa = new TransparentRsa(opensReal: true);
        var tpm = new TestTpm(TestTpm.EveryCommand, started: false, rsa: rsa);
        var answers = new List<SessionAnswer>();
        tpm.Executed += command => answers.Add(new SessionAnswer((uint)Requests.OrdinalOf(command.Request), command.Response));
        if (start >= SessionStart.Started) tpm.Startup();
        if (start >= SessionStart.Owned) tpm.TakeOwnership();
        if (start >= SessionStart.Busy) Fill(tpm);
        return new PreparedTpm(tpm.State, tpm.Random.Position, rsa.Position, answers);
    }

    private static void Fill(TestTpm tpm)
    {
        uint storage = tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        foreach (TpmKeyUsage usage in (ReadOnlySpan<TpmKeyUsage>)[TpmKeyUsage.Signing, TpmKeyUsage.Bind, TpmKeyUsage.Legacy]) tpm.LoadWrapped(usage);
        tpm.LoadWrapped(TpmKeyUsage.Storage, TestTpm.WellKnown);
        tpm.CreateCounter();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite));
        tpm.AddFamily(1);
        tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner | TpmDelegateOwnerPermission.NvWriteValue));
        tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Oiap(TestTpm.KeyAuth, goesOn: true);
        tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: true);
        tpm.Osap(TpmEntityType.KeyHandle, storage, TestTpm.KeyAuth, goesOn: true);
        tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown, goesOn: true);
    }
}
