using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.TestKit;

namespace Vtpm.Fuzz;

/// <summary>The same numbers, the same time and the same keys for every input, and as little arithmetic as can be.</summary>
internal static class FuzzPlatform
{
    public static Tpm12 NewEngine(SeededRandom? random = null, ManualTime? time = null, TransparentRsa? rsa = null)
    {
        random ??= new SeededRandom();
        time ??= new ManualTime();
        rsa ??= new TransparentRsa();
        return new Tpm12(new TpmPlatform(random, time, rsa, new OpenSslArithmetic(), TestTpm.EveryCommand) { Parent = new TestParent() });
    }
}
